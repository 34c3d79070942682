package server

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// maxGoodbyes is how many refused connections are answered at a time. Beyond
// that they are only closed: refusing must stay cheaper than serving.
const maxGoodbyes = 64

// goodbyeTimeout bounds each part of a refusal: the wait for the request, the
// answer, and the wait for the client to read it.
const goodbyeTimeout = time.Second

// refusal is what the client of a connection over a limit is told.
type refusal struct {
	status  int
	message string
	key     string // the limit
}

func (v verdict) refusal() refusal {
	if v == overPerIP {
		return refusal{http.StatusTooManyRequests, "too many connections from your address", "server.max_connections_per_ip"}
	}
	return refusal{http.StatusServiceUnavailable, "too many connections", "server.max_connections"}
}

// turnAway refuses a connection. It never blocks: it is called by Accept.
func (s *Server) turnAway(tcp *net.TCPConn, why verdict) {
	r := why.refusal()
	if n, ok := s.refused.now(); ok {
		s.log.Warn("connections refused: "+r.key+" is reached", slog.String("client", tcp.RemoteAddr().String()), slog.Uint64("times", n))
	}
	if s.cert != nil { // an answer would take a handshake
		_ = tcp.Close()
		return
	}
	select {
	case s.goodbye <- struct{}{}:
	default:
		_ = tcp.Close()
		return
	}
	go func() {
		defer func() { <-s.goodbye }()
		s.sayGoodbye(tcp, r)
	}()
}

// sayGoodbye answers the request that a refused client sends, and closes. A
// client that gets its answer before it has asked may take it for a mistake.
func (s *Server) sayGoodbye(tcp *net.TCPConn, r refusal) {
	buf := s.scratch.Get().(*[]byte)
	_ = tcp.SetDeadline(time.Now().Add(goodbyeTimeout))
	n, _ := tcp.Read(*buf)
	head := bytes.HasPrefix((*buf)[:n], []byte("HEAD "))
	s.scratch.Put(buf)
	_ = tcp.SetDeadline(time.Now().Add(goodbyeTimeout))
	if _, err := tcp.Write(s.plainAnswer(r, !head)); err == nil {
		s.closeSlowly(tcp)
	}
	_ = tcp.Close()
}

// plainAnswer returns an error answer as it goes over the wire, for where there
// is no request.
func (s *Server) plainAnswer(r refusal, withBody bool) []byte {
	id := s.options.RequestID()
	message, _ := json.Marshal(r.message)
	quotedID, _ := json.Marshal(id)
	body := fmt.Sprintf("{\"error\": %s, \"request_id\": %s}\n", message, quotedID)
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.status, http.StatusText(r.status))
	fmt.Fprintf(&b, "Date: %s\r\n", time.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	if r.status != http.StatusBadRequest {
		b.WriteString("Retry-After: 1\r\n")
	}
	fmt.Fprintf(&b, "X-Request-Id: %s\r\nConnection: close\r\n\r\n", id)
	if withBody {
		b.WriteString(body)
	}
	return b.Bytes()
}

// closeSlowly ends the sending side and discards what the client still sends,
// within discardFor and discardLimit. The caller closes.
func (s *Server) closeSlowly(tcp *net.TCPConn) {
	if tcp.CloseWrite() != nil || tcp.SetReadDeadline(time.Now().Add(discardFor)) != nil {
		return
	}
	buf := s.scratch.Get().(*[]byte)
	defer s.scratch.Put(buf)
	_, _ = io.CopyBuffer(writerOnly{io.Discard}, &io.LimitedReader{R: readerOnly{tcp}, N: discardLimit}, *buf)
}

// readerOnly and writerOnly hide the shortcuts of a connection and of io.Discard,
// which would bring a buffer of their own.
type (
	readerOnly struct{ io.Reader }
	writerOnly struct{ io.Writer }
)

// randomID returns 32 random hexadecimal digits.
func randomID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
