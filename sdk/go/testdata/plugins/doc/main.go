package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

//go:wasmexport greet
func greet() { wasmlane.Handle(handleGreet) }
func main()  {}

func handleGreet(w *wasmlane.Response, r *wasmlane.Request) error {
	visits, err := wasmlane.KV.Add("visits/"+r.Param("name"), 1)
	if err != nil {
		return err
	}
	return w.JSON(200, map[string]any{"hello": r.Param("name"), "visits": visits})
}
