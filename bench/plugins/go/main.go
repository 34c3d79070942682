// Command bench is the benchmark's plugin in Go, written as the SDK's guide says.
package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

type user struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

//go:wasmexport get_user
func getUser() { wasmlane.Handle(handleGet) }

func handleGet(w *wasmlane.Response, r *wasmlane.Request) error {
	id := r.Param("id")
	return w.JSON(200, user{ID: id, Name: "User " + id, Email: "user" + id + "@example.com"})
}

func main() {}

func init() { wasmlane.PrepareJSON(user{}) }
