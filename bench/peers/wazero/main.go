// Command wazero is what one writes first with wazero: the plugin behind
// fasthttp, so that the sandbox is all that differs from the limit.
//
//	wazero -mode fresh  FILE.wasm   a new instance for each request: pristine
//	wazero -mode pooled FILE.wasm   instances are used again as they are: not pristine
//	wazero -mode pooled -close …    and can be ended when a context ends
package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"os"
	"time"

	"github.com/valyala/fasthttp"
)

type invoker interface {
	// invoke runs the handler for one request.
	invoke(*exchange) error
}

// exchange is what the guest's imports see of a request.
type exchange struct {
	ctx *fasthttp.RequestCtx
	id  []byte
}

func main() {
	mode := flag.String("mode", "fresh", "fresh or pooled")
	closeOnDone := flag.Bool("close", false, "build with WithCloseOnContextDone, and give each request a deadline")
	flag.Parse()
	binary, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	e, err := newEngine(context.Background(), binary, *closeOnDone)
	if err != nil {
		log.Fatal(err)
	}
	var guest invoker
	switch *mode {
	case "fresh":
		guest = fresh{e}
	case "pooled":
		guest = &pooled{engine: e}
	default:
		log.Fatalf("-mode %s: it is fresh or pooled", *mode)
	}
	handler := func(ctx *fasthttp.RequestCtx) {
		id, ok := bytes.CutPrefix(ctx.Path(), []byte("/users/"))
		if !ok || !ctx.IsGet() {
			ctx.Error("not found", fasthttp.StatusNotFound)
			return
		}
		if err := guest.invoke(&exchange{ctx, id}); err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		}
	}
	server := &fasthttp.Server{
		Handler:         handler,
		ReadBufferSize:  4096,
		WriteBufferSize: 4096,
		ReadTimeout:     10 * time.Second,
		WriteTimeout:    10 * time.Second,
		IdleTimeout:     time.Minute,
	}
	log.Fatal(server.ListenAndServe("127.0.0.1:" + os.Getenv("PORT")))
}
