package main

import (
	"testing"

	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// The suite is the test of this plugin. This one says early that the language of
// scripts is understood.
func TestRun(t *testing.T) {
	res := lanetest.Get("/?a=1&a=%20").Header("script",
		`query a 1;param x;request nothing;kv_set "" *3;kv_set k *300;kv_get k;kv_keys "";write a%0A;kv_add k 1 2;;request method`).Do(t, run)
	want := "a\n%20\n!ABSENT\n?\n!INVALID\nok\n*300:970138f5\nk\nok\n?\n?\nGET\n"
	if res.Text() != want {
		t.Errorf("got\n%s\nwant\n%s", res.Text(), want)
	}
}
