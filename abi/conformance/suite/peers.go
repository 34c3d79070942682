package suite

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
)

// peers are the services that plugins call.
type peers struct {
	servers map[string]*httptest.Server
	refused net.Conn // its own port takes no connections
	arrived chan string
}

func startPeers() (*peers, error) {
	p := &peers{servers: make(map[string]*httptest.Server), arrived: make(chan string, 64)}
	for name, handler := range map[string]http.HandlerFunc{
		"echo": echo,
		"slow": p.slow,
		"huge": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) },
		"cut":  cut,
	} {
		p.servers[name] = httptest.NewServer(handler)
	}
	// Nothing listens at the near end of a connection, and nobody else can get its
	// port while the connection lives.
	var err error
	p.refused, err = net.Dial("tcp", p.servers["echo"].Listener.Addr().String())
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// origin returns where a peer is.
func (p *peers) origin(name string) string {
	if name == "refused" {
		return "http://" + p.refused.LocalAddr().String()
	}
	return p.servers[name].URL
}

func (p *peers) close() {
	if p.refused != nil {
		_ = p.refused.Close()
	}
	for _, s := range p.servers {
		s.CloseClientConnections()
		s.Close()
	}
}

// echo answers with what it got: the body as its body, each header NAME as
// Got-NAME. The path /status/N makes N the status.
func echo(w http.ResponseWriter, r *http.Request) {
	for name, values := range r.Header {
		for _, v := range values {
			w.Header().Add("Got-"+name, v)
		}
	}
	w.Header().Set("Got-Method", r.Method)
	w.Header().Set("Got-Target", r.RequestURI)
	w.Header()["X-Two"] = []string{"first", "second"}
	w.Header().Set("X-Empty", "")
	w.Header().Set("X-Long", strings.Repeat("x", 6000))
	w.Header().Set("Content-Type", "application/octet-stream")
	if number, ok := strings.CutPrefix(r.URL.Path, "/status/"); ok {
		if status, err := strconv.Atoi(number); err == nil {
			w.WriteHeader(status)
		}
	}
	_, _ = io.Copy(w, r.Body)
}

// slow never answers.
func (p *peers) slow(_ http.ResponseWriter, r *http.Request) {
	p.arrived <- "slow"
	<-r.Context().Done()
}

// cut ends the connection in the middle of its answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(errors.Join(errors.New("the peer cannot cut its answer"), err))
	}
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	_ = conn.Close()
}
