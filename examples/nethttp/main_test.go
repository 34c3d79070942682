package main

import (
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

func TestNotes(t *testing.T) {
	env := lanetest.New()
	for _, c := range []struct {
		req    *lanetest.Request
		status int
		body   string
	}{
		{lanetest.Get("/notes/milk"), 404, "there is no such note\n"},
		{lanetest.Put("/notes/milk", "two litres"), 204, ""},
		{lanetest.Get("/notes/milk"), 200, "two litres"},
		{lanetest.Put("/notes/long", strings.Repeat("x", 1001)), 413, "a note has at most 1000 bytes\n"},
		{lanetest.Get("/notes/"), 200, "<!DOCTYPE html>\n<title>Notes</title>\n<ul>\n<li><a href=\"/notes/milk\">milk</a></li>\n</ul>\n"},
		{lanetest.Delete("/notes/milk"), 405, "Method Not Allowed\n"},
	} {
		res := c.req.In(env).Do(t, serve)
		if res.Status != c.status || res.Text() != c.body {
			t.Errorf("got %d %q, want %d %q", res.Status, res.Text(), c.status, c.body)
		}
	}
}
