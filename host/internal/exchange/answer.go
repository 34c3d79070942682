package exchange

import (
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// Fail replaces whatever the response holds by the host's own error answer. The
// message is for the client: no trap, path or panic text belongs into it. When the
// head of a streaming response has been sent there is nothing left to replace;
// the stream is cut instead.
func (x *Exchange) Fail(status int, message string) {
	if x.Streaming() {
		return
	}
	x.reason = message
	WriteError(x.Response, status, message, x.Request.ID)
}

// Answer replaces the response by a JSON document of the host's own.
func (x *Exchange) Answer(status int, document []byte) {
	x.clear()
	x.Response.SetStatusCode(status)
	x.Response.Header.SetContentType(jsonType)
	x.Response.SetBody(document)
}

// clear empties the response but for the request id.
func (x *Exchange) clear() { resetResponse(x.Response, x.Request.ID) }

// Hangup closes the connection after the response, reading on for a moment when
// the client may still be sending.
func (x *Exchange) Hangup() {
	x.Response.SetConnectionClose()
	if x.conn != nil {
		x.conn.DiscardOnClose()
	}
}

const (
	jsonType        = "application/json"
	requestIDHeader = "X-Request-Id"
)

// WriteError fills resp with the error answer every part of the host gives:
// {"error": message, "request_id": id}.
func WriteError(resp *fasthttp.Response, status int, message string, id []byte) {
	resetResponse(resp, id)
	resp.SetStatusCode(status)
	resp.Header.SetContentType(jsonType)
	body := append([]byte(nil), `{"error": `...)
	body = appendJSONString(body, message)
	body = append(body, `, "request_id": `...)
	body = appendJSONString(body, string(id))
	resp.SetBodyRaw(append(body, "}\n"...))
}

func resetResponse(resp *fasthttp.Response, id []byte) {
	hangup := resp.ConnectionClose()
	resp.Reset()
	resp.Header.SetNoDefaultContentType(true)
	if hangup {
		resp.SetConnectionClose()
	}
	if len(id) > 0 {
		resp.Header.SetBytesV(requestIDHeader, id)
	}
}

// appendJSONString appends s as a JSON string.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// StatusText returns "404 Not Found", for messages.
func StatusText(status int) string {
	return strconv.Itoa(status) + " " + fasthttp.StatusMessage(status)
}
