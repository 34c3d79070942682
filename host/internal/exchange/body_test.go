package exchange

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// echoBody answers with what reading the body gave.
func echoBody(limit int64, budget *Budget, seen chan<- error) func(x *Exchange) {
	return func(x *Exchange) {
		defer x.Release()
		err := x.ReadBody(limit, budget)
		seen <- err
		if err != nil {
			x.Fail(413, err.Error())
			x.Hangup()
			return
		}
		x.Answer(200, fmt.Appendf(nil, "%d %s", x.Request.BodySize, x.Request.Body))
	}
}

// The library reads up to 8 KiB of a body of known length before the handler
// runs, so every case sends that much.
func TestReadBody(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	for _, c := range []struct {
		name, request string
		err           error
		answer        string
	}{
		{"none", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", nil, "0 "},
		{"empty", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", nil, "0 "},
		{"short", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", nil, "3 abc"},
		{"long", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n" + long, nil, "70000 " + long},
		{"chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", nil, "-1 abcde"},
		{"long chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + long + "\r\n0\r\n\r\n", nil, "-1 " + long},
		{"at the limit", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("y", 100_000), nil, "100000 "},
		{"over the limit", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n" + strings.Repeat("y", 10_000), ErrBodyTooLarge, ""},
		{"chunked over the limit", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n" + strings.Repeat("y", 100_001) + "\r\n0\r\n\r\n", ErrBodyTooLarge, ""},
		{"bad chunk", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ErrBodyMalformed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var budget Budget
			budget.SetLimit(1 << 20)
			seen := make(chan error, 1)
			conn := dial(t, serving(t, echoBody(100_000, &budget, seen)))
			go io.WriteString(conn, c.request) // the server may stop reading
			if err := <-seen; !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if c.err == nil && !strings.HasPrefix(string(body), c.answer) {
				t.Errorf("answer %.60q, want %.60q", body, c.answer)
			}
			if budget.Used() != 0 {
				t.Errorf("%d bytes are still booked", budget.Used())
			}
		})
	}
}

func TestTruncatedBody(t *testing.T) {
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 10_000),
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	} {
		var budget Budget
		budget.SetLimit(1 << 20)
		seen := make(chan error, 1)
		conn := dial(t, serving(t, echoBody(100_000, &budget, seen)))
		send(t, conn, request)
		conn.Close()
		if err := <-seen; !errors.Is(err, ErrBodyTruncated) {
			t.Errorf("%.60q: %v", request, err)
		}
	}
}

// Bodies of several connections share one budget.
func TestBudget(t *testing.T) {
	var budget Budget
	budget.SetLimit(100_000)
	seen := make(chan error, 3)
	ln := serving(t, echoBody(90_000, &budget, seen))

	first := dial(t, ln)
	send(t, first, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 80000\r\n\r\n"+strings.Repeat("x", 10_000))
	for budget.Used() != 80_000 {
	}
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 30000\r\n\r\n" + strings.Repeat("x", 30_000),
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7530\r\n" + strings.Repeat("x", 30_000) + "\r\n0\r\n\r\n",
	} {
		second := dial(t, ln)
		go io.WriteString(second, request)
		if err := <-seen; !errors.Is(err, ErrBodyMemory) {
			t.Errorf("%.60q: %v, want %v", request, err, ErrBodyMemory)
		}
	}
	send(t, first, strings.Repeat("x", 70_000))
	if err := <-seen; err != nil {
		t.Errorf("the first body: %v", err)
	}
}
