//go:build !race

package exchange

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// What a simple handler does costs the exchange no allocation.
func TestNoAllocations(t *testing.T) {
	var req fasthttp.Request
	var ctx fasthttp.RequestCtx
	head := "GET /users/7?x=1 HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n"
	if err := req.Header.Read(bufio.NewReader(strings.NewReader(head))); err != nil {
		t.Fatal(err)
	}
	ctx.Init(&req, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, nil)
	plugin, params := testPlugin(io.Discard), fixed("7")
	imports := Imports()
	param, status, setHeader, write := imports["param"], imports["status"], imports["set_header"], imports["write"]
	mem := make([]byte, 1024)
	copy(mem, "id")
	copy(mem[16:], "content-typeapplication/json")
	stack := make([]uint64, 5)

	allocs := testing.AllocsPerRun(1000, func() {
		ctx.Response.Reset()
		x := Acquire()
		if err := x.Begin(&ctx, nil); err != nil {
			t.Fatal(err)
		}
		x.Plugin, x.Params = plugin, params
		stack[0], stack[1], stack[2], stack[3] = 0, 2, 100, 100
		param(x, mem, stack)
		stack[0] = 201
		status(x, mem, stack)
		stack[0], stack[1], stack[2], stack[3] = 16, 12, 28, 16
		setHeader(x, mem, stack)
		stack[0], stack[1] = 100, 70
		write(x, mem, stack)
		x.Release()
	})
	if allocs != 0 {
		t.Errorf("%v allocations per request, want none", allocs)
	}
}
