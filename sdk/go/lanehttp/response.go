package lanehttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/internal/abi"
)

// response is the http.ResponseWriter. What is written goes through a buffer of
// the size that net/http has, so that a Content-Type is found from the same bytes.
type response struct {
	w      *wasmlane.Response
	method string
	cancel context.CancelFunc // of the request's context

	header   http.Header // the handler's
	status   int         // 0 until WriteHeader
	snapshot http.Header // header as it was then
	declared int64       // its Content-Length, or -1
	written  int64       // bytes of the body, those in the buffer included
	buffer   *bufio.Writer
	headSent bool
}

func newResponse(w *wasmlane.Response, method string, cancel context.CancelFunc) *response {
	res := &response{w: w, method: method, cancel: cancel, header: http.Header{}, declared: -1}
	res.buffer = bufio.NewWriterSize(sender{res}, 2048)
	return res
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(code int) {
	switch {
	case w.status != 0:
		wasmlane.Log.Warn("http: superfluous response.WriteHeader call from " + caller())
		return
	case code < 100 || code > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %v", code)) // as net/http says it
	case code < 200 && code != http.StatusSwitchingProtocols:
		return // the host sends nothing but the answer
	}
	w.status = code
	w.snapshot = w.header.Clone()
	if length := w.snapshot.Get("Content-Length"); length != "" {
		n, err := strconv.ParseInt(length, 10, 64)
		if err != nil || n < 0 {
			wasmlane.Log.Warn("http: invalid Content-Length of " + strconv.Quote(length))
			return
		}
		w.declared = n
	}
}

// caller returns where the code outside this package and net/http is that called
// WriteHeader.
func caller() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if !more || !strings.HasPrefix(frame.Function, "net/http.") {
			return fmt.Sprintf("%s (%s:%d)", frame.Function, frame.File[strings.LastIndexByte(frame.File, '/')+1:], frame.Line)
		}
	}
}

func (w *response) Write(p []byte) (int, error) {
	if err := w.admit(len(p)); err != nil || len(p) == 0 {
		return 0, err
	}
	return w.buffer.Write(p)
}

func (w *response) WriteString(s string) (int, error) {
	if err := w.admit(len(s)); err != nil || s == "" {
		return 0, err
	}
	return w.buffer.WriteString(s)
}

// admit says whether n more bytes of the body may be written.
func (w *response) admit(n int) error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if n == 0 {
		return nil
	}
	if !bodyAllowed(w.status) {
		return http.ErrBodyNotAllowed
	}
	if w.declared >= 0 && w.written+int64(n) > w.declared {
		return http.ErrContentLength
	}
	w.written += int64(n)
	return nil
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// finish sends what is left when the handler has returned. With an error the
// answer is not whole.
func (w *response) finish() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if err := w.send(); err != nil {
		return err
	}
	if w.declared >= 0 && w.written != w.declared && w.method != http.MethodHead && bodyAllowed(w.status) {
		return fmt.Errorf("http: the handler declared a Content-Length of %d and wrote %d bytes", w.declared, w.written)
	}
	return nil
}

// send sends the head and what is in the buffer.
func (w *response) send() error {
	if err := w.buffer.Flush(); err != nil {
		return err
	}
	return w.sendHead(nil)
}

// sendHead gives status and header to the host, unless it has them. start is how
// the body starts.
func (w *response) sendHead(start []byte) error {
	if w.headSent {
		return nil
	}
	w.headSent = true
	w.w.Status(w.status)
	h := w.snapshot
	if w.status == http.StatusNotModified {
		h.Del("Content-Type")
	}
	_, typed := h["Content-Type"]
	if !typed && len(start) > 0 && h.Get("Content-Encoding") == "" && h.Get("Transfer-Encoding") == "" {
		h.Set("Content-Type", http.DetectContentType(start))
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for i, value := range h[name] {
			set := w.w.AddHeader
			if i == 0 {
				set = w.w.SetHeader
			}
			err := set(name, strings.Trim(oneLine.Replace(value), " \t\r\n"))
			switch {
			case errors.Is(err, wasmlane.ErrInvalid):
				if !abi.IsHosts(strings.ToLower(name)) {
					wasmlane.Log.Warn("http: a header was left out: " + err.Error())
				}
			case err != nil:
				return err
			}
		}
	}
	return nil
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// sender is where the buffer is emptied to.
type sender struct{ res *response }

func (s sender) Write(p []byte) (int, error) {
	if err := s.res.sendHead(p); err != nil {
		return 0, err
	}
	n, err := s.res.w.Write(p)
	if err != nil {
		s.res.cancel()
	}
	return n, err
}

// flusher is a response that can be sent piece by piece. It is a type of its own
// so that the linker keeps the host's flush only for those who asked for it.
type flusher struct{ *response }

// Flush makes it an http.Flusher.
func (w flusher) Flush() { _ = w.FlushError() }

// FlushError is what http.ResponseController calls.
func (w flusher) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if err := w.send(); err != nil {
		return err
	}
	err := wasmlane.Flush(w.w)
	if err != nil {
		w.cancel()
	}
	return err
}
