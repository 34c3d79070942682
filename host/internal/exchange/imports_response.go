package exchange

import (
	"bytes"
	"strconv"

	"github.com/wasmlane/wasmlane/abi"
)

var contentType = []byte("Content-Type")

// status(code)
func status(x *Exchange, _ []byte, stack []uint64) {
	x.needRequest("status")
	x.notCGI("status")
	code := uint32(stack[0])
	if code < 200 || code > 599 {
		panic(&Misuse{"status", "code", strconv.FormatInt(int64(int32(code)), 10) + " is outside 200 to 599"})
	}
	if x.Streaming() {
		panic(&Misuse{"status", "", "the head has been sent by flush"})
	}
	x.Response.SetStatusCode(int(code))
}

// set_header(name, name_len, value, value_len) → i32
func setHeader(x *Exchange, mem []byte, stack []uint64) {
	stack[0] = answer(x.changeHeader(mem, "set_header", stack, true))
}

// add_header(name, name_len, value, value_len) → i32
func addHeader(x *Exchange, mem []byte, stack []uint64) {
	stack[0] = answer(x.changeHeader(mem, "add_header", stack, false))
}

func (x *Exchange) changeHeader(mem []byte, function string, stack []uint64, replace bool) abi.Code {
	x.needRequest(function)
	x.notCGI(function)
	name := view(mem, function, "name", stack[0], stack[1])
	value := view(mem, function, "value", stack[2], stack[3])
	if x.Streaming() || !isToken(name) || !isFieldValue(value) || hostsHeader(name) {
		return abi.Invalid
	}
	// Headers that are replaced count too: what matters is that a guest cannot
	// make the host hold more than this, and none needs so many.
	if x.headBytes+len(name)+len(value) > abi.MaxResponseHead {
		return abi.TooLarge
	}
	x.headBytes += len(name) + len(value)
	h := &x.Response.Header
	switch {
	case bytes.EqualFold(name, contentType): // there is one, and nearly all answers set it
		h.SetContentTypeBytes(value)
		return 0
	case replace:
		h.DelBytes(name)
	}
	h.AddBytesKV(name, value)
	return 0
}

// hostsHeader reports whether a header is the host's to set: framing, identity,
// and what concerns one hop only (RFC 9110 section 7.6.1).
func hostsHeader(name []byte) bool {
	var buf [32]byte
	if len(name) > len(buf) {
		return false
	}
	low := buf[:copy(buf[:], name)]
	lower(low)
	switch string(low) {
	case "content-length", "date", "server":
		return true
	}
	return hopByHop(low)
}

// hopByHop reports whether a header, in lower case, concerns one hop only.
func hopByHop(low []byte) bool {
	switch string(low) {
	case "connection", "keep-alive", "proxy-connection", "proxy-authenticate",
		"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return false
}

// write(ptr, len) → i32
func write(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("write")
	x.notCGI("write")
	p := view(mem, "write", "ptr", stack[0], stack[1])
	if x.gone() {
		stack[0] = answer(abi.Closed)
		return
	}
	if x.Streaming() {
		x.written += int64(len(p))
		stack[0] = answer(x.stream.write(p))
		return
	}
	if x.written+int64(len(p)) > x.Plugin.MaxResponse {
		x.overflow = true
		stack[0] = answer(abi.TooLarge)
		return
	}
	x.written += int64(len(p))
	x.Response.AppendBody(p)
	stack[0] = 0
}

// flush() → i32
//
// Where nothing can stream (a call in process, an HTTP/1.0 client) the response
// stays buffered, and max_response still bounds it.
func flush(x *Exchange, _ []byte, stack []uint64) {
	x.needRequest("flush")
	x.notCGI("flush")
	if x.gone() {
		stack[0] = answer(abi.Closed)
		return
	}
	if x.stream == nil {
		stack[0] = 0
		return
	}
	stack[0] = answer(x.stream.flush())
}

// logMessage is log(level, ptr, len).
func logMessage(x *Exchange, mem []byte, stack []uint64) {
	text := view(mem, "log", "ptr", stack[1], stack[2])
	if len(text) > abi.MaxLog {
		text = text[:abi.MaxLog]
	}
	x.log(slogLevel(abi.Level(uint32(stack[0]))), bytes.TrimRight(text, "\r\n"))
}

// config(key, key_len, buf, cap) → i32
func config(x *Exchange, mem []byte, stack []uint64) {
	key := view(mem, "config", "key", stack[0], stack[1])
	value, ok := x.Plugin.Config[string(key)]
	if !ok {
		stack[0] = answer(abi.Absent)
		return
	}
	x.scratch = append(x.scratch[:0], value...)
	stack[0] = give(mem, "config", stack[2], stack[3], x.scratch)
}
