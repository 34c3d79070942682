package lanetest_test

import (
	"fmt"
	"net/http"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// t stands for the *testing.T that a test has.
var t = new(fakeT)

// hello is a plugin's exported function.
func hello() {
	wasmlane.Handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		return w.Text(200, "Hello, "+r.Param("name")+"!\n")
	})
}

func Example() {
	res := lanetest.Get("/hello/Ada").Param("name", "Ada").Do(t, hello)
	fmt.Println(res.Status, res.Header.Get("Content-Type"))
	fmt.Print(res.Text())
	// Output:
	// 200 text/plain; charset=utf-8
	// Hello, Ada!
}

// price asks another service and keeps what it said.
func price() {
	wasmlane.Handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		res, err := wasmlane.Call("shop", &wasmlane.CallRequest{Path: "/price"})
		if err != nil {
			return wasmlane.Error(502, "the shop cannot be asked")
		}
		body, err := res.Body()
		if err != nil {
			return err
		}
		if err := wasmlane.KV.Set("last", body); err != nil {
			return err
		}
		currency, _ := wasmlane.Config("currency")
		return w.Text(200, string(body)+" "+currency)
	})
}

func ExampleEnv() {
	env := lanetest.New()
	env.Config["currency"] = "EUR"
	env.Service("shop", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "12") })

	res := lanetest.Get("/").In(env).Do(t, price)
	last, _ := env.KV.Get("last")
	fmt.Println(res.Status, res.Text(), "stored:", last)

	env.FailService("shop", wasmlane.ErrTimeout)
	res = lanetest.Get("/").In(env).Do(t, price)
	fmt.Print(res.Status, " ", res.Text())
	// Output:
	// 200 12 EUR stored: 12
	// 502 {"error": "the shop cannot be asked", "request_id": "test"}
}
