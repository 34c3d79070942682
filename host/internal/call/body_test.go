package call

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/valyala/fasthttp"
)

// text is a connection that says what it holds.
type text struct {
	net.Conn
	io.Reader
}

func (t text) Read(p []byte) (int, error) { return t.Reader.Read(p) }

// FuzzReadAnswer: it takes what the library takes, and reads the same.
func FuzzReadAnswer(f *testing.F) {
	for _, answer := range []string{
		ok, "HTTP/1.1 200 OK\r\n\r\nabc", "HTTP/1.1 100 Continue\r\n\r\n" + ok,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX-T: 1\r\n\r\n",
		"HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 70000\r\n\r\nab",
	} {
		f.Add([]byte(answer), false)
		f.Add([]byte(answer), true)
	}
	f.Fuzz(func(t *testing.T, answer []byte, head bool) {
		const limit = 1000
		want, got := new(fasthttp.Response), new(fasthttp.Response)
		want.Header.SetNoDefaultContentType(true)
		got.Header.SetNoDefaultContentType(true)
		want.SkipBody = head
		theirs := bufio.NewReaderSize(bytes.NewReader(answer), maxHead)
		wantErr := want.ReadLimitBody(theirs, limit)
		in := &meter{from: text{Reader: bytes.NewReader(answer)}, limit: 1 << 30}
		ours := bufio.NewReaderSize(in, maxHead)
		gotErr := readAnswer(ours, in, head, limit, got)
		switch {
		case (gotErr == nil) != (wantErr == nil):
			t.Errorf("%q: %v, and the library says %v", answer, gotErr, wantErr)
		case gotErr != nil || got.StatusCode() < 200: // the latter is refused later
		case !bytes.Equal(got.Body(), want.Body()) || got.Header.String() != want.Header.String() || ours.Buffered() != theirs.Buffered():
			t.Errorf("%q: %q %q with %d bytes left, and the library reads %q %q with %d left", answer,
				got.Header.String(), got.Body(), ours.Buffered(), want.Header.String(), want.Body(), theirs.Buffered())
		}
	})
}
