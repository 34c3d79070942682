//go:build !race

package server

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// TestConnAllocatesNothing: a request costs the connection no garbage.
func TestConnAllocatesNothing(t *testing.T) {
	server, client := tcpPair(t)
	s, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	c := &Conn{tcp: server, server: s, since: time.Now()}
	buf := make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := client.Write(buf); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
		c.setState(fasthttp.StateActive)
		if _, err := c.Write(buf); err != nil {
			t.Fatal(err)
		}
		c.setState(fasthttp.StateIdle)
		if _, err := client.Read(buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for each request", n)
	}
}
