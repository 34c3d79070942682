// Command httpwasm is the handler as an http-wasm guest, on net/http. Its host
// keeps a pool of guests and does not reset them: they are not pristine.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"time"

	wasm "github.com/http-wasm/http-wasm-host-go/handler/nethttp"
)

func main() {
	guest, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	middleware, err := wasm.NewMiddleware(ctx, guest)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Addr:         "127.0.0.1:" + os.Getenv("PORT"),
		Handler:      middleware.NewHandler(ctx, http.NotFoundHandler()),
		ReadTimeout:  10 * time.Second,
		WriteTimeout: 10 * time.Second,
		IdleTimeout:  time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}
