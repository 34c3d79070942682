// Command order is the order service: it keeps orders and asks the service
// "user" whether the user of an order exists.
//
//	POST /orders             create_order  {"user_id": …, "product_id": …, "quantity": 1..1000}
//	GET  /orders/{id}        get_order
//	GET  /users/{id}/orders  list_orders   ?limit=1..100&after=ID
package main

import (
	"errors"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

//go:wasmexport create_order
func createOrder() { serve(handleCreate) }

//go:wasmexport get_order
func getOrder() { serve(handleGet) }

//go:wasmexport list_orders
func listOrders() { serve(handleList) }

// serve answers a request. A store that is away is no mistake of this plugin: it is
// 503, or 504 when the time was up first, and trying again later may help.
func serve(h wasmlane.Handler) {
	wasmlane.Handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		err := h(w, r)
		var told *wasmlane.HTTPError
		switch {
		case err == nil || errors.As(err, &told):
		case errors.Is(err, wasmlane.ErrUnavailable):
			return &wasmlane.HTTPError{Status: 503, Message: "the store is unavailable", Err: err}
		case errors.Is(err, wasmlane.ErrTimeout):
			return &wasmlane.HTTPError{Status: 504, Message: "the store did not answer in time", Err: err}
		}
		return err
	})
}

func main() {}

func init() { wasmlane.PrepareJSON(order{}, page{}, input{}, userAnswer{}) }
