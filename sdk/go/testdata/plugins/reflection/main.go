// Command reflection looks a method up by a name that is not known beforehand, as
// html/template does. From then on the linker keeps every method of every type
// that is converted to an interface.
package main

import (
	"reflect"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

//go:wasmexport answer
func answer() {
	wasmlane.Handle(func(w *wasmlane.Response, r *wasmlane.Request) error {
		for _, v := range []any{w, r} {
			if method := reflect.ValueOf(v).MethodByName(r.Query("method")); method.IsValid() {
				return w.Text(200, method.String())
			}
		}
		return wasmlane.Error(404, "no such method")
	})
}

func main() {}
