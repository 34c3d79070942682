package main

import (
	"testing"

	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

func TestHello(t *testing.T) {
	res := lanetest.Get("/hello/Ada").Param("name", "Ada").Do(t, hello)
	if res.Status != 200 || res.Text() != "Hello, Ada!\n" {
		t.Errorf("got %d %q", res.Status, res.Text())
	}
}
