// Command everything reaches every function of the host.
package main

import (
	"io"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

//go:wasmexport everything
func everything() { wasmlane.Handle(handle) }

func main() {}

func handle(w *wasmlane.Response, r *wasmlane.Request) error {
	r.Path()
	r.Param("id")
	r.Query("q")
	r.Header("accept")
	r.HeaderNames()
	if _, err := r.Body(); err != nil {
		return err
	}
	if err := useStore(); err != nil {
		return err
	}
	greeting, _ := wasmlane.Config("greeting")
	if err := call(w, greeting); err != nil {
		return err
	}
	w.Status(200 + wasmlane.Rand().IntN(2))
	if err := w.AddHeader("Vary", "Accept"); err != nil {
		return err
	}
	return wasmlane.Flush(w)
}

func useStore() error {
	kv := wasmlane.KV
	if err := kv.Set("key", nil); err != nil {
		return err
	}
	if _, err := kv.Get("key"); err != nil {
		return err
	}
	if _, err := kv.Add("number", 1); err != nil {
		return err
	}
	if _, err := kv.Create("key", nil); err != nil {
		return err
	}
	for _, err := range kv.List("k", "") {
		if err != nil {
			return err
		}
	}
	_, err := kv.Delete("key")
	return err
}

func call(w *wasmlane.Response, body string) error {
	res, err := wasmlane.Call("other", &wasmlane.CallRequest{Method: "POST", Path: "/", Body: []byte(body)})
	if err != nil {
		return err
	}
	defer res.Close()
	if err := w.SetHeader("Content-Type", res.Header("Content-Type")); err != nil {
		return err
	}
	_, err = io.Copy(w, res)
	return err
}
