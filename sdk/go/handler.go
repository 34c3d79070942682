package wasmlane

import (
	"errors"
	"math/rand/v2"
	"unsafe"
)

// Handler answers one request. w and r are its own until it returns.
//
// An error that it returns becomes the answer: an [HTTPError] gives its status
// and message, [ErrUnavailable] is 503, [ErrTimeout] is 504, and any other error is
// 500; the text of these goes to the log and not to the client. After the body has begun an error is a panic, lest a client take half an
// answer for a whole one. A panic is not recovered: the host reports it, answers
// 500, or cuts the connection after [Flush], and throws the instance away.
type Handler func(w *Response, r *Request) error

// Handle runs h for the request that the host is calling about. It is what an
// exported function consists of:
//
//	//go:wasmexport get_user
//	func getUser() { wasmlane.Handle(handleGetUser) }
func Handle(h Handler) {
	w, r := begin()
	if err := h(w, r); err != nil {
		fail(w, r, err)
	}
}

// fail answers with an error, when there is still a way to.
func fail(w *Response, r *Request, err error) {
	if w.refused {
		// The host knows already: it answers 500 for a body over max_response, and
		// nobody listens in the other cases.
		if !errors.Is(err, ErrClosed) {
			Log.Error(err.Error())
		}
		return
	}
	if w.begun {
		// Part of the body is out. Only a trap makes the host drop it, or cut the
		// connection if it has been sent.
		panic("wasmlane: the handler failed after it had begun the body: " + err.Error())
	}
	status, message := 500, "internal error"
	var own *HTTPError
	switch {
	case errors.As(err, &own):
		status, message = own.Status, own.Message
	case errors.Is(err, ErrUnavailable): // another host may have what this one lacks
		status, message = 503, "unavailable; try again later"
	case errors.Is(err, ErrTimeout):
		status, message = 504, "the handler did not answer in time"
	}
	if status >= 500 {
		Log.Error(err.Error())
	}
	body := appendQuoted([]byte(`{"error": `), message)
	body = appendQuoted(append(body, `, "request_id": `...), r.ID())
	w.begin(status, typeJSON)
	w.Write(append(body, "}\n"...))
}

// Rand returns the request's random generator, seeded from the host's when first
// asked for. It is not for secrets: use crypto/rand for those.
//
// The top-level functions of math/rand and math/rand/v2 must not be used in a
// plugin. Their generator is seeded once, when the plugin initialises, and every
// request starts from a snapshot of the memory taken then, so that every request
// would see the same "random" numbers. The same holds for any generator kept in a
// variable, and for hash/maphash and the order of a map. crypto/rand asks the
// host each time and is safe.
//
// A generator must not be kept for another request, nor used by several
// goroutines at once.
func Rand() *rand.Rand { return requestRand() }

// Config returns a value of [plugin.NAME.config] in host.toml, and whether it is
// there. It works while the plugin initialises, too.
func Config(key string) (value string, ok bool) {
	ptr, n := stringPointer(key)
	return fetchString(func(buf unsafe.Pointer, size uint32) int32 {
		return hostConfig(ptr, n, buf, size)
	})
}

// appendQuoted appends s as a JSON string. It is here for the errors: not every
// plugin uses encoding/json.
func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s { // a byte that is no UTF-8 becomes U+FFFD
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, string(c)...)
		}
	}
	return append(dst, '"')
}
