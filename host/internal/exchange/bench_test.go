package exchange

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

const benchHead = "GET /users/7?x=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"

// What the library costs that reads a request's head. It is not ours, but it is
// part of every request.
func BenchmarkHead(b *testing.B) {
	var header fasthttp.RequestHeader
	text := bytes.NewReader(nil)
	buffer := bufio.NewReaderSize(text, 4096)
	b.ReportAllocs()
	for b.Loop() {
		text.Reset([]byte(benchHead))
		buffer.Reset(text)
		if err := header.Read(buffer); err != nil {
			b.Fatal(err)
		}
	}
}

// What a request costs between the server and the guest: taking an exchange and
// looking at the head, then what a simple handler asks for.
func BenchmarkExchange(b *testing.B) {
	var req fasthttp.Request
	var ctx fasthttp.RequestCtx
	if err := req.Header.Read(bufio.NewReader(strings.NewReader(benchHead))); err != nil {
		b.Fatal(err)
	}
	ctx.Init(&req, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, nil)
	plugin, params := testPlugin(io.Discard), fixed("7")
	mem := make([]byte, 1024)
	copy(mem, "id")
	copy(mem[16:], "content-typeapplication/json")
	stack := make([]uint64, 5)
	begin := func() *Exchange {
		ctx.Response.Reset()
		x := Acquire()
		if err := x.Begin(&ctx, nil); err != nil {
			b.Fatal(err)
		}
		x.Plugin, x.Params = plugin, params
		return x
	}
	b.Run("begin", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			begin().Release()
		}
	})
	imports := Imports()
	for _, c := range []struct {
		name string
		args [5]uint64
	}{
		{"param", [5]uint64{0, 2, 100, 100}},
		{"request", [5]uint64{9, 100, 100}}, // the request's id
		{"set_header", [5]uint64{16, 12, 28, 16}},
		{"write", [5]uint64{100, 70}},
	} {
		call := imports[c.name]
		b.Run(c.name, func(b *testing.B) {
			x := begin()
			defer x.Release()
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				copy(stack, c.args[:])
				call(x, mem, stack)
				// Headers and body must not grow without end.
				if n++; n%64 == 0 {
					ctx.Response.Reset()
				}
			}
		})
	}
}

// fixed is params with one value.
type fixed string

var seven = []byte("7")

func (fixed) Get([]byte) ([]byte, bool) { return seven, true }
func (fixed) Len() int                  { return 1 }
func (fixed) Name(int) string           { return "id" }
func (fixed) Value(int) []byte          { return seven }
