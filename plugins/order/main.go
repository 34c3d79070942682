// Command order is the order service: it keeps orders and asks the service
// "user" whether the user of an order exists.
//
//	POST /orders             create_order  {"user_id": …, "product_id": …, "quantity": 1..1000}
//	GET  /orders/{id}        get_order
//	GET  /users/{id}/orders  list_orders   ?limit=1..100&after=ID
package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

//go:wasmexport create_order
func createOrder() { wasmlane.Handle(handleCreate) }

//go:wasmexport get_order
func getOrder() { wasmlane.Handle(handleGet) }

//go:wasmexport list_orders
func listOrders() { wasmlane.Handle(handleList) }

func main() {}

func init() { wasmlane.PrepareJSON(order{}, page{}, input{}, userAnswer{}) }
