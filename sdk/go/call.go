package wasmlane

import (
	"encoding/json"
	"strings"
	"unsafe"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// CallRequest is a request to another service.
type CallRequest struct {
	Method string // "" is GET
	Path   string // with the query: "/users?limit=5"
	Header []Header
	Body   []byte
}

// Header is one header line of a [CallRequest]. Host, framing, hop-by-hop names
// and X-Request-Id are the host's to set. The request id and the trace context
// travel along by themselves.
type Header struct{ Name, Value string }

// CallResponse is a service's answer. It ends with the request; close it when a
// handler makes more than a few calls, for no more than 16 may be open at once.
type CallResponse struct {
	Status int
	target string
	handle int32
}

// Call sends a request to a service, by the name it has in host.toml, or to an
// absolute origin such as "https://api.example.com"; host.toml grants both, with
// calls and outbound. A service on the same host is called without a socket. The
// time that is left for this request bounds the call.
//
// Any status is an answer. An error says that there is none: [ErrTimeout],
// [ErrUnavailable], [ErrDenied], [ErrInvalid] for a malformed request, or
// [ErrTooLarge].
func Call(target string, req *CallRequest) (*CallResponse, error) {
	head, ok := req.head()
	if !ok {
		return nil, check("call", target, abi.Invalid)
	}
	tp, tn := stringPointer(target)
	hp, hn := pointer(head)
	bp, bn := pointer(req.Body)
	handle := hostCall(tp, tn, hp, hn, bp, bn)
	if err := check("call", target, handle); err != nil {
		return nil, err
	}
	status := hostCallStatus(handle)
	if err := check("call_status", target, status); err != nil {
		return nil, err
	}
	return &CallResponse{Status: int(status), target: target, handle: handle}, nil
}

// head returns the request line and the headers as the host takes them. It
// reports whether no part could be read as two: the host sees lines, and a line
// end in a value would make one more of them.
func (r *CallRequest) head() (head []byte, ok bool) {
	method := r.Method
	if method == "" {
		method = "GET"
	}
	ok = oneWord(method) && oneWord(r.Path)
	head = append(head, method...)
	head = append(head, ' ')
	head = append(head, r.Path...)
	head = append(head, '\n')
	for _, h := range r.Header {
		ok = ok && oneWord(h.Name) && strings.IndexByte(h.Name, ':') < 0 && strings.IndexByte(h.Value, '\n') < 0
		head = append(head, h.Name...)
		head = append(head, ": "...)
		head = append(head, h.Value...)
		head = append(head, '\n')
	}
	return head, ok
}

// oneWord reports whether s is not empty and has no space or line end. All else
// is the host's to check.
func oneWord(s string) bool {
	return s != "" && strings.IndexByte(s, ' ') < 0 && strings.IndexByte(s, '\n') < 0
}

// Header returns the first value of a header of the answer, or "".
func (r *CallResponse) Header(name string) string {
	ptr, n := stringPointer(name)
	value, _ := fetchString(func(buf unsafe.Pointer, size uint32) int32 {
		return hostCallHeader(r.handle, ptr, n, 0, buf, size)
	})
	return value
}

// HeaderValues returns all values of a header of the answer, nil when there are
// none.
func (r *CallResponse) HeaderValues(name string) []string {
	ptr, n := stringPointer(name)
	return fetchAll(func(index uint32, buf unsafe.Pointer, size uint32) int32 {
		return hostCallHeader(r.handle, ptr, n, index, buf, size)
	})
}

// Read reads on in the answer's body.
func (r *CallResponse) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	ptr, n := pointer(p)
	return readResult("call_body", r.target, hostCallBody(r.handle, ptr, n))
}

// Body returns what is left of the answer's body.
func (r *CallResponse) Body() ([]byte, error) {
	body, code := readAll(-1, func(buf unsafe.Pointer, size uint32) int32 {
		return hostCallBody(r.handle, buf, size)
	})
	return body, check("call_body", r.target, code)
}

// JSON decodes the answer's body into the value that v points to. Unlike
// [Request.JSON] it ignores what v has no field for: a service may say more than
// its caller knows.
func (r *CallResponse) JSON(v any) error {
	body, err := r.Body()
	if err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

// Close gives the answer back. The handler's return does so, too.
func (r *CallResponse) Close() { hostCallClose(r.handle) }
