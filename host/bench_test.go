package host

import (
	"bufio"
	"bytes"
	"net"
	"testing"

	"github.com/valyala/fasthttp"
)

// What the host costs from the bytes of the head to the finished answer, without a
// socket: the route, the exchange, the sandbox, metrics and the access line.
func BenchmarkHandler(b *testing.B) {
	for name, keys := range map[string]string{
		"request":  "",
		"instance": `defaults.isolation = "instance"`,
		"silent":   "log.access = false",
	} {
		b.Run(name, func(b *testing.B) {
			g := newGuest()
			g.on("get", g.do("set_header", "Content-Type", "application/json"), g.echo("param", "id"))
			r := prepare(b, setup{
				keys:   keys + "\n" + `log.level = "info"` + "\n" + `log.format = "text"`,
				guests: map[string]*guest{"a": g}, routes: "GET /users/{id} a.get",
			})
			h, err := Open(r.file, Options{Log: discard{}, Version: "test"})
			if err != nil {
				b.Fatal(err)
			}
			defer h.Close()
			handler := h.Handler()
			var ctx fasthttp.RequestCtx
			ctx.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, nil)
			head := []byte("GET /users/7 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\n\r\n")
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
			}
			if got := string(ctx.Response.Body()); got != "7" || ctx.Response.StatusCode() != 200 {
				b.Fatalf("%d %q", ctx.Response.StatusCode(), got)
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
