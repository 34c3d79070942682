package wasmlane

import "encoding/json"

const typeJSON = "application/json"

// Response is the answer to the request. The host holds it and sends it when the
// handler has returned, or piece by piece for a handler that calls [Flush].
//
// Status and headers come before the body only where [Flush] is used; without
// it the order does not matter.
type Response struct {
	begun   bool // something was written: the status is no longer for an error to choose
	refused bool // the host refused a write
}

// Status sets the status, 200 to start with. One outside 200 to 599, and any
// status after [Flush], ends the request with 500.
func (w *Response) Status(code int) { hostStatus(uint32(code)) }

// SetHeader sets a header, replacing what it had. It fails with [ErrInvalid] for
// a name or value that HTTP does not allow, for headers that are the host's
// (Content-Length, Date, Server, Connection and its like) and after [Flush], and
// with [ErrTooLarge] past 64 KiB of headers.
func (w *Response) SetHeader(name, value string) error {
	np, nn := stringPointer(name)
	vp, vn := stringPointer(value)
	return check("set_header", name, hostSetHeader(np, nn, vp, vn))
}

// AddHeader adds a value to a header. It fails as [Response.SetHeader] does.
func (w *Response) AddHeader(name, value string) error {
	np, nn := stringPointer(name)
	vp, vn := stringPointer(value)
	return check("add_header", name, hostAddHeader(np, nn, vp, vn))
}

// Write appends to the body. It fails with [ErrTooLarge] past max_response, and
// with [ErrClosed] or [ErrTimeout] when there is no point in going on.
func (w *Response) Write(p []byte) (int, error) {
	w.begun = true
	if err := w.checkWrite("write", hostWrite(pointer(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString is [Response.Write] for a string, without copying it.
func (w *Response) WriteString(s string) (int, error) {
	w.begun = true
	if err := w.checkWrite("write", hostWrite(stringPointer(s))); err != nil {
		return 0, err
	}
	return len(s), nil
}

func (w *Response) checkWrite(function string, code int32) error {
	w.refused = w.refused || code < 0
	return check(function, "", code)
}

// Flush sends the status, the headers and what has been written so far. From
// there on the response streams: max_response no longer applies, and an error
// cuts the connection.
//
// It is a function rather than a method of w because a plugin that contains it
// costs more in the host, and a method can be linked without being called.
func Flush(w *Response) error {
	w.begun = true
	return w.checkWrite("flush", hostFlush())
}

// begin sets what comes before the body.
func (w *Response) begin(status int, contentType string) error {
	w.Status(status)
	return w.SetHeader("Content-Type", contentType)
}

// JSON answers with v encoded as JSON, and a line end after it.
func (w *Response) JSON(status int, v any) error {
	if plan := planOf(v); plan != nil {
		buf := takeScratch()
		defer dropScratch(buf)
		if text, ok := plan.Append(buf[:0], v); ok {
			_, err := jsonBody{w, status}.Write(append(text, '\n'))
			return err
		}
	}
	return json.NewEncoder(jsonBody{w, status}).Encode(v)
}

// jsonBody is where an encoder writes its text to, in one piece and only when all
// went well. The text goes to the host from where the encoder has it.
type jsonBody struct {
	w      *Response
	status int
}

func (b jsonBody) Write(text []byte) (int, error) {
	if err := b.w.begin(b.status, typeJSON); err != nil {
		return 0, err
	}
	return b.w.Write(text)
}

// Text answers with plain text in UTF-8.
func (w *Response) Text(status int, text string) error {
	if err := w.begin(status, "text/plain; charset=utf-8"); err != nil {
		return err
	}
	_, err := w.WriteString(text)
	return err
}

// NoContent answers 204. It returns nil, for a handler to return.
func (w *Response) NoContent() error {
	w.Status(204)
	return nil
}
