// Command wasmtime runs the plugin with wasmtime, through its Go package, behind
// fasthttp: a new store and a new instance for each request, from wasmtime's pooling
// allocator.
package main

import (
	"bytes"
	"flag"
	"log"
	"os"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v40"
	"github.com/valyala/fasthttp"
)

func main() {
	pooling := flag.Bool("pooling", true, "use the pooling allocator")
	flag.Parse()
	binary, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	config := wasmtime.NewConfig()
	if *pooling {
		usePooling(config)
	}
	engine := wasmtime.NewEngineWithConfig(config)
	module, err := wasmtime.NewModule(engine, binary)
	if err != nil {
		log.Fatal(err)
	}
	linker, err := link(engine, module)
	if err != nil {
		log.Fatal(err)
	}
	handler := func(ctx *fasthttp.RequestCtx) {
		id, ok := bytes.CutPrefix(ctx.Path(), []byte("/users/"))
		if !ok || !ctx.IsGet() {
			ctx.Error("not found", fasthttp.StatusNotFound)
			return
		}
		if err := invoke(engine, linker, module, &exchange{ctx, id}); err != nil {
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
