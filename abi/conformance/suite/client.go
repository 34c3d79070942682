package suite

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	cut    error // why the body is not whole, nil when it is
}

// text returns the request as it goes over the wire.
func (q *Request) text(script string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\n", q.Method, q.Target, q.Protocol)
	host := true
	for _, f := range q.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
		host = host && !strings.EqualFold(f.Name, "Host")
	}
	if host {
		b.WriteString("Host: conformance.test\r\n")
	}
	if q.Script != nil {
		fmt.Fprintf(&b, "Script: %s\r\n", script)
	}
	switch {
	case q.Chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for _, chunk := range q.Chunks {
			if chunk != "" { // an empty one would be the last
				fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
			}
		}
		b.WriteString("0\r\n\r\n")
	case q.Body != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(q.Body), q.Body)
	default:
		b.WriteString("\r\n")
	}
	return b.String()
}

// ask sends a request over a connection of its own and reads the answer. For an
// answer that nobody reads it returns nil; the connection of a client that stalls
// is then open.
func (r *running) ask(q *Request, unread bool) (a *answer, open net.Conn, err error) {
	conn, err := net.DialTimeout("tcp", r.addr, patience)
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	if q.Stall {
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
	}
	text := q.text(r.substitute(strings.Join(q.Script, ";")))
	if _, err := io.WriteString(conn, text); err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("sending the request: %w", err)
	}
	if q.Stall {
		return nil, conn, nil
	}
	defer conn.Close()
	if q.LeaveAfter != "" {
		select {
		case <-r.peers.arrived:
			return nil, nil, nil
		case <-time.After(patience):
			return nil, nil, fmt.Errorf("no call came to the peer %q", q.LeaveAfter)
		}
	}
	if unread {
		return nil, nil, nil
	}
	a, err = read(conn, q.Method)
	return a, nil, err
}

func read(conn net.Conn, method string) (*answer, error) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return &answer{resp.StatusCode, resp.Header, string(body), err}, nil
}
