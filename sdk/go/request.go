package wasmlane

import (
	"unsafe"

	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// Request is what the client sent. Nothing of it is copied into the plugin before
// it is asked for: each method asks the host.
type Request struct {
	body     []byte // what Body has returned
	read     bool   // Body has returned it
	consumed int64  // bytes that Read has taken before
}

// Method returns the method, such as "GET". A HEAD request that is answered by a
// GET route says "HEAD".
func (r *Request) Method() string { return requestField(abi.FieldMethod) }

// Path returns the path, percent-decoded.
func (r *Request) Path() string { return requestField(abi.FieldPath) }

// RawQuery returns the query as it was sent, without the "?".
func (r *Request) RawQuery() string { return requestField(abi.FieldQuery) }

// Target returns the request target as it was sent: path and query.
func (r *Request) Target() string { return requestField(abi.FieldTarget) }

// Host returns the Host header.
func (r *Request) Host() string { return requestField(abi.FieldHost) }

// Scheme returns "http" or "https".
func (r *Request) Scheme() string { return requestField(abi.FieldScheme) }

// RemoteAddr returns the client's address, without a port.
func (r *Request) RemoteAddr() string { return requestField(abi.FieldRemoteAddr) }

// Protocol returns "HTTP/1.1" or "HTTP/1.0".
func (r *Request) Protocol() string { return requestField(abi.FieldProtocol) }

// Route returns the route's pattern, such as "/users/{id}".
func (r *Request) Route() string { return requestField(abi.FieldRoute) }

// ID returns the request id, which is in the log and in the answer's
// X-Request-Id.
func (r *Request) ID() string { return requestField(abi.FieldRequestID) }

func requestField(field uint32) string {
	value, _ := fetchString(func(buf unsafe.Pointer, size uint32) int32 {
		return hostRequest(field, buf, size)
	})
	return value
}

// Param returns the value of a {name} of the route, percent-decoded, or "" when
// the route has none of that name.
func (r *Request) Param(name string) string {
	value, _ := r.LookupParam(name)
	return value
}

// LookupParam is [Request.Param] that tells an empty value from a name that the
// route does not have.
func (r *Request) LookupParam(name string) (value string, ok bool) {
	ptr, n := stringPointer(name)
	return fetchString(func(buf unsafe.Pointer, size uint32) int32 {
		return hostParam(ptr, n, buf, size)
	})
}

// Query returns the first value of a query key, decoded as forms are, or "".
func (r *Request) Query(name string) string {
	ptr, n := stringPointer(name)
	value, _ := fetchString(func(buf unsafe.Pointer, size uint32) int32 {
		return hostQuery(ptr, n, 0, buf, size)
	})
	return value
}

// QueryAll returns all values of a query key in the order they were sent. It is
// nil when the key is not there at all; "?k" gives one empty value.
func (r *Request) QueryAll(name string) []string {
	ptr, n := stringPointer(name)
	return fetchAll(func(index uint32, buf unsafe.Pointer, size uint32) int32 {
		return hostQuery(ptr, n, index, buf, size)
	})
}

// Header returns the first value of a header, or "". Names are not case
// sensitive.
func (r *Request) Header(name string) string {
	ptr, n := stringPointer(name)
	value, _ := fetchString(func(buf unsafe.Pointer, size uint32) int32 {
		return hostHeader(ptr, n, 0, buf, size)
	})
	return value
}

// HeaderValues returns all values of a header in the order they were sent, nil
// when there are none.
func (r *Request) HeaderValues(name string) []string {
	ptr, n := stringPointer(name)
	return fetchAll(func(index uint32, buf unsafe.Pointer, size uint32) int32 {
		return hostHeader(ptr, n, index, buf, size)
	})
}

// HeaderNames returns the names of all headers, each once and in lower case.
func (r *Request) HeaderNames() []string {
	return fetchAll(hostHeaderName)
}
