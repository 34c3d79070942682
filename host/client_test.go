package host

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
	close  bool // the server ends the connection
}

// numbers reads a body of guest.tell.
func (a answer) numbers() (list []int32) {
	for b := []byte(a.body); len(b) >= 4; b = b[4:] {
		list = append(list, int32(binary.LittleEndian.Uint32(b)))
	}
	return list
}

// get asks with net/http's client.
func (r *rig) get(path string) answer { r.t.Helper(); return r.ask("GET", path, "") }

// ask sends a request; headers are "Name: value".
func (r *rig) ask(method, path, body string, headers ...string) answer {
	r.t.Helper()
	a, err := r.try(method, path, body, headers...)
	if err != nil {
		r.t.Fatalf("%s %s: %v; the log:\n%s", method, path, err, r.logs.tail())
	}
	return a
}

// try is ask for any goroutine.
func (r *rig) try(method, path, body string, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, "http://"+r.addr+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(resp)
}

func readAnswer(resp *http.Response) (answer, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}, err
}

// later sends a request whose answer comes on the channel.
func (r *rig) later(path string) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		a, err := r.try("GET", path, "")
		if err != nil {
			a.body = err.Error()
		}
		c <- a
	}()
	return c
}

// wait receives what must come.
func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// refused checks that an answer is an error of the host's own, that says nothing
// of the inside, and returns its request id.
func (r *rig) refused(a answer, status int, message string) (id string) {
	r.t.Helper()
	var document map[string]string
	decoder := json.NewDecoder(strings.NewReader(a.body))
	if err := decoder.Decode(&document); err != nil {
		r.t.Fatalf("got %d %q, want JSON: %v; the log:\n%s", a.status, a.body, err, r.logs.tail())
	}
	if a.status != status || !strings.Contains(document["error"], message) {
		r.t.Fatalf("got %d %q, want %d with %q; the log:\n%s", a.status, a.body, status, message, r.logs.tail())
	}
	id = document["request_id"]
	if len(document) != 2 || id == "" || a.header.Get("X-Request-Id") != id || a.header.Get("Content-Type") != "application/json" {
		r.t.Errorf("the error is %q with headers %v, want error and request_id, the same in X-Request-Id, as JSON", a.body, a.header)
	}
	for _, secret := range []string{r.dir, ".wasm", "wasm", "unreachable", "trap", "stack", "panic", ".go", "goroutine", "0x"} {
		if strings.Contains(a.body, secret) {
			r.t.Errorf("the client is told %q, which holds %q", a.body, secret)
		}
	}
	return id
}

// peer is one connection of a client that writes its bytes itself.
type peer struct {
	net.Conn
	rig *rig
	r   *bufio.Reader
}

// dial connects to the host.
func (r *rig) dial() *peer {
	r.t.Helper()
	c, err := net.DialTimeout("tcp", r.addr, patience)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &peer{c, r, bufio.NewReader(c)}
}

// send writes to the host.
func (c *peer) send(text string) {
	c.rig.t.Helper()
	if _, err := io.WriteString(c.Conn, text); err != nil {
		c.rig.t.Fatalf("sending: %v", err)
	}
}

// get sends a request with further header lines, each ended by CRLF.
func (c *peer) get(path, head string) {
	c.rig.t.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: test\r\n" + head + "\r\n")
}

// answer reads the next answer to a request of that method.
func (c *peer) answer(method string) answer {
	c.rig.t.Helper()
	a, err := c.tryAnswer(method)
	if err != nil {
		c.rig.t.Fatalf("reading the answer: %v; so far %v; the log:\n%s", err, a, c.rig.logs.tail())
	}
	return a
}

func (c *peer) tryAnswer(method string) (answer, error) {
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	return readAnswer(resp)
}

// once sends bytes over a connection of their own and returns the answer. The
// method is that of the request.
func (r *rig) once(method, text string) answer {
	r.t.Helper()
	c := r.dial()
	c.send(text)
	a := c.answer(method)
	_ = c.Close()
	return a
}

// ended checks that the host has ended the connection, with no byte more and
// without a reset.
func (c *peer) ended() {
	c.rig.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.rig.t.Errorf("want the end of the connection, got %q and %v", rest, err)
	}
}

// head reads the head of an answer and leaves its body.
func (c *peer) head() *http.Response {
	c.rig.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: "GET"})
	if err != nil {
		c.rig.t.Fatalf("reading the head: %v; the log:\n%s", err, c.rig.logs.tail())
	}
	return resp
}

// read reads exactly the text that is to come next.
func (c *peer) read(body io.Reader, want string) {
	c.rig.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(body, got); err != nil || string(got) != want {
		c.rig.t.Fatalf("read %q and %v, want %q; the log:\n%s", got[:n], err, want, c.rig.logs.tail())
	}
}
