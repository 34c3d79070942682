package host

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"testing"

	"github.com/valyala/fasthttp"
)

// BenchmarkCallService is what a call to a service of one target costs, with the
// other side on the loopback interface. The request itself is not sent over a
// socket.
func BenchmarkCallService(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	other := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("hello") }}
	go func() { _ = other.Serve(l) }()
	b.Cleanup(func() { _ = l.Close() })
	r := prepare(b, setup{
		keys: fmt.Sprintf(`
			log.access = false
			log.level = "warn"
			plugin.front.calls = ["ext"]
			service.ext.targets = ["http://%s"]`, l.Addr()),
		guests: map[string]*guest{"front": relays(map[string]string{"ask": "ext GET /"})},
	})
	r.open()
	handler := r.Handler()
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, nil)
	head := []byte("GET /front/ask HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\n\r\n")
	text := bytes.NewReader(nil)
	buffer := bufio.NewReaderSize(text, 4096)
	b.ReportAllocs()
	for b.Loop() {
		text.Reset(head)
		buffer.Reset(text)
		if err := ctx.Request.Header.Read(buffer); err != nil {
			b.Fatal(err)
		}
		ctx.Response.Reset()
		handler(&ctx)
		if ctx.Response.StatusCode() != 200 {
			b.Fatal(ctx.Response.StatusCode(), string(ctx.Response.Body()))
		}
	}
}
