package main

import (
	"errors"
	"io"
	"strconv"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// command is what one command of a script does.
type command struct {
	words int  // after the name
	more  bool // there may be more of them
	do    func(s *script, a []string) (result string, err error)
}

// silent is the result of a command that gives no line.
const silent = ""

// gives makes a command of a function that gives a line.
func gives(words int, do func(s *script, a []string) string) command {
	return command{words: words, do: func(s *script, a []string) (string, error) { return do(s, a), nil }}
}

// commands has every command by its name.
var commands = map[string]command{
	"request": gives(1, (*script).request),
	"param": gives(1, func(s *script, a []string) string {
		return textOr(s.r.LookupParam(a[0]))
	}),
	"query": gives(2, func(s *script, a []string) string {
		return at(s.r.QueryAll(a[0]), a[1])
	}),
	"header": gives(2, func(s *script, a []string) string {
		return at(s.r.HeaderValues(a[0]), a[1])
	}),
	"header_name": gives(1, func(s *script, a []string) string {
		return at(s.r.HeaderNames(), a[0])
	}),
	"body_size": gives(0, func(s *script, a []string) string {
		return strconv.FormatInt(s.r.BodySize(), 10)
	}),
	"body":      gives(0, (*script).body),
	"body_part": gives(1, func(s *script, a []string) string { return part(s.r, a[0]) }),

	"status": gives(1, func(s *script, a []string) string {
		code, err := strconv.Atoi(a[0])
		if err != nil {
			return malformed
		}
		s.w.Status(code)
		return "ok"
	}),
	"set_header": gives(2, func(s *script, a []string) string { return okOr(s.w.SetHeader(a[0], a[1])) }),
	"add_header": gives(2, func(s *script, a []string) string { return okOr(s.w.AddHeader(a[0], a[1])) }),
	"write": gives(1, func(s *script, a []string) string {
		_, err := s.w.WriteString(a[0])
		return okOr(err)
	}),
	"flush": gives(0, func(s *script, a []string) string { return okOr(wasmlane.Flush(s.w)) }),
	"drip":  gives(2, (*script).drip),
	"json": {words: 2, do: func(s *script, a []string) (string, error) {
		if err := s.w.JSON(200, map[string]string{a[0]: a[1]}); err != nil {
			return silent, err
		}
		return silent, errEnd
	}},

	"log":    gives(2, func(s *script, a []string) string { return logAt(a[0], a[1]) }),
	"config": gives(1, func(s *script, a []string) string { return config(a[0]) }),
	"random": gives(0, func(s *script, a []string) string {
		return strconv.FormatInt(wasmlane.Rand().Int64(), 10)
	}),

	"error": {words: 2, do: func(s *script, a []string) (string, error) {
		status, ok := number(a[0])
		if !ok {
			return malformed, nil
		}
		return silent, wasmlane.Error(status, a[1])
	}},
	"fail": {words: 1, do: func(s *script, a []string) (string, error) { return silent, errors.New(a[0]) }},
	"trap": gives(0, func(s *script, a []string) string { panic("the script says so") }),
	"spin": gives(0, func(s *script, a []string) string {
		//lint:ignore SA5002 the command is to spin
		for {
		}
	}),
	"tell": gives(0, func(s *script, a []string) string {
		wasmlane.Log.Info(strings.Join(s.lines, " "))
		return silent
	}),
	"remember": gives(1, func(s *script, a []string) string { remembered = a[0]; return "ok" }),
	"recall":   gives(0, func(s *script, a []string) string { return encode(remembered) }),
	"init": gives(1, func(s *script, a []string) string {
		if result, ok := found[a[0]]; ok {
			return result
		}
		return malformed
	}),

	"kv_get": gives(1, func(s *script, a []string) string { return bytesOr(wasmlane.KV.Get(a[0])) }),
	"kv_set": gives(2, func(s *script, a []string) string {
		return okOr(wasmlane.KV.Set(a[0], []byte(a[1])))
	}),
	"kv_delete": gives(1, func(s *script, a []string) string { return boolOr(wasmlane.KV.Delete(a[0])) }),
	"kv_add": gives(2, func(s *script, a []string) string {
		delta, err := strconv.ParseInt(a[1], 10, 64)
		if err != nil {
			return malformed
		}
		return numberOr(wasmlane.KV.Add(a[0], delta))
	}),
	"kv_swap": gives(3, func(s *script, a []string) string {
		return boolOr(wasmlane.KV.CompareAndSwap(a[0], []byte(a[1]), []byte(a[2])))
	}),
	"kv_create": gives(2, func(s *script, a []string) string {
		return boolOr(wasmlane.KV.Create(a[0], []byte(a[1])))
	}),
	"kv_list": gives(2, func(s *script, a []string) string { return nextKey(a[0], a[1]) }),
	"kv_keys": gives(1, func(s *script, a []string) string { return allKeys(a[0]) }),

	"call":        {words: 4, more: true, do: (*script).call},
	"call_status": slot(0, func(c *wasmlane.CallResponse, a []string) string { return strconv.Itoa(c.Status) }),
	"call_header": slot(2, func(c *wasmlane.CallResponse, a []string) string { return at(c.HeaderValues(a[0]), a[1]) }),
	"call_body":   slot(0, func(c *wasmlane.CallResponse, a []string) string { return bytesOr(c.Body()) }),
	"call_part":   slot(1, func(c *wasmlane.CallResponse, a []string) string { return part(c, a[0]) }),
	"call_close":  slot(0, func(c *wasmlane.CallResponse, a []string) string { c.Close(); return "ok" }),
}

// body is what is left of the body. Body would return the same again.
func (s *script) body(a []string) string {
	if s.taken {
		return bytesOr(io.ReadAll(s.r))
	}
	s.taken = true
	return bytesOr(s.r.Body())
}

// part is what one read of up to n bytes gives.
func part(r io.Reader, n string) string {
	size, ok := number(n)
	if !ok {
		return malformed
	}
	buf := make([]byte, size)
	read, err := r.Read(buf)
	if err == io.EOF {
		err = nil
	}
	return bytesOr(buf[:read], err)
}

func (s *script) request(a []string) string {
	fields := map[string]func() string{
		"method": s.r.Method, "path": s.r.Path, "query": s.r.RawQuery, "target": s.r.Target,
		"host": s.r.Host, "scheme": s.r.Scheme, "remote_addr": s.r.RemoteAddr,
		"protocol": s.r.Protocol, "route": s.r.Route, "request_id": s.r.ID,
	}
	if field, ok := fields[a[0]]; ok {
		return encode(field())
	}
	return malformed
}

func (s *script) drip(a []string) string {
	rounds, ok := number(a[0])
	if !ok {
		return malformed
	}
	for range rounds {
		if _, err := s.w.WriteString(a[1]); err != nil {
			return failure(err)
		}
		if err := wasmlane.Flush(s.w); err != nil {
			return failure(err)
		}
	}
	return strconv.Itoa(rounds)
}

func logAt(level, text string) string {
	switch level {
	case "debug":
		wasmlane.Log.Debug(text)
	case "info":
		wasmlane.Log.Info(text)
	case "warn":
		wasmlane.Log.Warn(text)
	case "error":
		wasmlane.Log.Error(text)
	default:
		return malformed
	}
	return "ok"
}

func nextKey(prefix, after string) string {
	for key, err := range wasmlane.KV.List(prefix, after) {
		return bytesOr([]byte(key), err)
	}
	return textOr("", false)
}

func allKeys(prefix string) string {
	var keys []string
	for key, err := range wasmlane.KV.List(prefix, "") {
		if err != nil {
			return failure(err)
		}
		keys = append(keys, encode(key))
	}
	if keys == nil {
		return "none"
	}
	return strings.Join(keys, " ")
}

func (s *script) call(a []string) (string, error) {
	if len(a)%2 != 0 {
		return malformed, nil
	}
	req := &wasmlane.CallRequest{Method: a[1], Path: a[2], Body: []byte(a[3])}
	for headers := a[4:]; len(headers) > 0; headers = headers[2:] {
		req.Header = append(req.Header, wasmlane.Header{Name: headers[0], Value: headers[1]})
	}
	res, err := wasmlane.Call(a[0], req)
	if err != nil {
		return failure(err), nil
	}
	s.calls = append(s.calls, res)
	return strconv.Itoa(len(s.calls) - 1), nil
}

// slot makes a command of a function about the answer of a call.
func slot(words int, do func(c *wasmlane.CallResponse, a []string) string) command {
	return gives(1+words, func(s *script, a []string) string {
		i, ok := number(a[0])
		if !ok || i >= len(s.calls) {
			return malformed
		}
		return do(s.calls[i], a[1:])
	})
}
