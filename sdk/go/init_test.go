package wasmlane_test

import (
	"errors"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// found is what package initialisation finds, which in a plugin may use the host.
var found = func() (f struct {
	config        bool
	get, set, add error
	keys          int
	request       string
}) {
	wasmlane.Log.Info("a test of logging while packages are initialised")
	_, f.config = wasmlane.Config("key")
	_, f.get = wasmlane.KV.Get("key")
	f.set = wasmlane.KV.Set("key", nil)
	_, f.add = wasmlane.KV.Add("key", 1)
	for range wasmlane.KV.List("", "") {
		f.keys++
	}
	f.request = panics(func() { new(wasmlane.Request).Method() })
	return f
}()

func TestInitialisation(t *testing.T) {
	if found.config || found.keys != 0 || !errors.Is(found.get, wasmlane.ErrAbsent) ||
		!errors.Is(found.set, wasmlane.ErrDenied) || !errors.Is(found.add, wasmlane.ErrDenied) {
		t.Errorf("found %+v", found)
	}
	if want := "wasmlane: request: there is no request while the plugin initialises"; found.request != want {
		t.Errorf("the panic is %q, want %q", found.request, want)
	}
}
