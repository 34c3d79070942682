package lanetest

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// exchange is one request and its response: the host that a handler sees. It is
// a native.Host.
type exchange struct {
	t       T
	env     *Env
	request *Request
	path    string // decoded
	query   string // raw
	headers []field
	random  *rand.Rand

	mu        sync.Mutex // guards what follows against a handler's goroutines
	consumed  int        // bytes of the body that were read
	response  Response
	headBytes int
	flushed   int  // bytes of the response's body that were sent
	streaming bool // the head was sent
	overflow  bool // a write was refused
	calls     []*answer
}

// framing returns the header that says how long the body is.
func framing(r *Request) []field {
	switch {
	case r.size < 0:
		return []field{{"transfer-encoding", "chunked"}}
	case r.size > 0:
		return []field{{"content-length", strconv.FormatInt(r.size, 10)}}
	}
	return nil
}

// give fills buf when value fits, and returns its length.
func give(buf []byte, value string) int32 {
	if len(value) <= len(buf) {
		copy(buf, value)
	}
	return int32(len(value))
}

func (x *exchange) Request(which uint32, buf []byte) int32 {
	var value string
	switch which {
	case abi.FieldMethod:
		value = x.request.method
	case abi.FieldPath:
		value = x.path
	case abi.FieldQuery:
		value = x.query
	case abi.FieldTarget:
		value = x.request.target
	case abi.FieldHost:
		value = x.request.host
	case abi.FieldScheme:
		value = "http"
	case abi.FieldRemoteAddr:
		value = x.request.remote
	case abi.FieldProtocol:
		value = "HTTP/1.1"
	case abi.FieldRoute:
		value = x.request.route
	case abi.FieldRequestID:
		value = x.request.id
	default:
		return abi.Invalid
	}
	return give(buf, value)
}

func (x *exchange) Param(name string, buf []byte) int32 {
	value, ok := x.request.params[name]
	if !ok {
		return abi.Absent
	}
	return give(buf, value)
}

func (x *exchange) Query(name string, index uint32, buf []byte) int32 {
	for _, pair := range strings.Split(x.query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if pair == "" || decodeForm(key) != name {
			continue
		}
		if index == 0 {
			return give(buf, decodeForm(value))
		}
		index--
	}
	return abi.Absent
}

// decodeForm decodes part of a query as forms are: "+" is a space, and an escape
// that is none stands for itself.
func decodeForm(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
			continue
		case s[i] == '%' && i+2 < len(s):
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (x *exchange) Header(name string, index uint32, buf []byte) int32 {
	for _, h := range x.headers {
		if h.name != strings.ToLower(name) {
			continue
		}
		if index == 0 {
			return give(buf, h.value)
		}
		index--
	}
	return abi.Absent
}

func (x *exchange) HeaderName(index uint32, buf []byte) int32 {
	seen := map[string]bool{}
	for _, h := range x.headers {
		if seen[h.name] {
			continue
		}
		seen[h.name] = true
		if index == 0 {
			return give(buf, h.name)
		}
		index--
	}
	return abi.Absent
}

func (x *exchange) BodySize() int64 { return x.request.size }

func (x *exchange) Body(buf []byte) int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := copy(buf, x.request.body[x.consumed:])
	x.consumed += n
	return int32(n)
}

func (x *exchange) Rand() *rand.Rand { return x.random }

func (x *exchange) Config(key string, buf []byte) int32 {
	value, ok := x.env.Config[key]
	if !ok {
		return abi.Absent
	}
	return give(buf, value)
}

func (x *exchange) Log(level uint32, message string) {
	message = strings.TrimRight(message[:min(len(message), abi.MaxLog)], "\r\n")
	x.env.log(Message{wasmlane.Level(level), message})
	x.t.Helper()
	x.t.Logf("log, level %d of 3: %s", level, message)
}
