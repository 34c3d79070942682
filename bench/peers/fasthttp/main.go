// Command fasthttp is the limit: the same handler, native, on the HTTP library
// that Wasmlane uses, with the buffers and time limits that Wasmlane gives it.
// It has no router, no log, no metrics and no limits.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

type user struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

func handle(ctx *fasthttp.RequestCtx) {
	if ctx.IsPost() && string(ctx.Path()) == "/count" {
		ctx.SetBodyString(strconv.Itoa(len(ctx.PostBody())))
		return
	}
	id, ok := bytes.CutPrefix(ctx.Path(), []byte("/users/"))
	if !ok || !ctx.IsGet() {
		ctx.Error("not found", fasthttp.StatusNotFound)
		return
	}
	body, err := json.Marshal(user{string(id), "User " + string(id), "user" + string(id) + "@example.com"})
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
}

func main() {
	server := &fasthttp.Server{
		Handler:         handle,
		ReadBufferSize:  4096,
		WriteBufferSize: 4096,

		MaxRequestBodySize: 5 << 20,

		ReadTimeout:  10 * time.Second,
		WriteTimeout: 10 * time.Second,
		IdleTimeout:  time.Minute,
	}
	log.Fatal(server.ListenAndServe("127.0.0.1:" + os.Getenv("PORT")))
}
