//go:build !race && linux

package proof

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// load is clients that order without a break, each over a connection of its own
// that it keeps. None repeats anything, as many HTTP libraries do by themselves.
type load struct {
	t    *testing.T
	from *machine
	addr string // of the host that takes orders
	user string

	stop    chan struct{}
	clients sync.WaitGroup
	stills  *stills

	mu     sync.Mutex
	orders []order
	phases []phase
	ended  time.Time
}

// order is one that a client tried to make.
type order struct {
	begun, ended time.Time
	product      string // names this order
	status       int    // 0: there was no answer
	id           string // given to it, with 201
	failure      string // what the client saw, without 201
}

// phase is a time with something special about it.
type phase struct {
	name  string
	begun time.Time
}

// orderFrom is how long a client waits for an answer. The host gives up before.
const clientPatience = 20 * time.Second

// load begins the load.
func (c *cluster) load() *load {
	l := &load{t: c.t, from: c.client, addr: c.order.addr + ":8001", user: c.user, stop: make(chan struct{}), stills: watchStills(c.t)}
	for i := range *clients {
		l.clients.Go(func() { l.client(i) })
	}
	c.t.Cleanup(func() { l.end() })
	return l
}

// end stops the clients after the orders that they are at, and returns when.
func (l *load) end() time.Time {
	l.mu.Lock()
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.mu.Unlock()
	l.clients.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended.IsZero() {
		l.ended = time.Now()
	}
	return l.ended
}

// phase begins one, which lasts until the next.
func (l *load) phase(name string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.phases = append(l.phases, phase{name, now})
	return now
}

func (l *load) client(number int) {
	var c *connection
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			if c != nil {
				_ = c.Close()
			}
			return
		case <-time.After(*pause):
		}
		o := order{begun: time.Now(), product: fmt.Sprintf("p-%d-%d", number, n)}
		var err error
		if c == nil {
			c, err = l.connect()
		}
		if err == nil {
			var keep bool
			if keep, err = c.order(l.user, &o); err != nil || !keep {
				_ = c.Close()
				c = nil
			}
		}
		o.ended = time.Now()
		if err != nil {
			o.status, o.id, o.failure = 0, "", err.Error()
		}
		l.mu.Lock()
		l.orders = append(l.orders, o)
		l.mu.Unlock()
	}
}

// connection is one of a client.
type connection struct {
	net.Conn
	r *bufio.Reader
}

func (l *load) connect() (*connection, error) {
	ctx, cancel := context.WithTimeout(context.Background(), clientPatience)
	defer cancel()
	c, err := l.from.dial(ctx, l.addr)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReader(c)}, nil
}

// do sends a request and reads its answer, whose connection may be kept or not.
func (c *connection) do(method, path, body string) (status int, answer []byte, keep bool, err error) {
	_ = c.SetDeadline(time.Now().Add(clientPatience))
	_, err = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: order\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	if err != nil {
		return 0, nil, false, err
	}
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return 0, nil, false, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, !resp.Close, err
}

// order makes an order, and notes how it went.
func (c *connection) order(user string, o *order) (keep bool, err error) {
	status, body, keep, err := c.do("POST", "/orders", fmt.Sprintf(`{"user_id": %q, "product_id": %q, "quantity": 1}`, user, o.product))
	if err != nil {
		return false, err
	}
	var answer struct{ ID, Error string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return false, fmt.Errorf("status %d with %q: %w", status, body, err)
	}
	o.status, o.id, o.failure = status, answer.ID, answer.Error
	return keep, nil
}
