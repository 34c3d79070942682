//go:build unix

package main

import (
	"fmt"
	"regexp"
	"testing"
)

// TestMoveService: user goes to another host. On this one that is the line of its
// targets, and its routes, which go with it; order, its routes and its file stay as
// they are, and nothing restarts.
func TestMoveService(t *testing.T) {
	t.Parallel()
	there, here := newSite(t), newSite(t)
	user, order := there.start(), here.start()
	ask := func(id string) reply {
		return order.do("POST", "/orders", fmt.Sprintf(`{"user_id": %q, "product_id": "p", "quantity": 1}`, id))
	}
	ada := user.do("POST", "/users", `{"name": "Ada", "email": "ada@example.com"}`).want(201).field("id")
	ask(ada).refused(400, "does not exist") // at home nobody knows her

	text := replaced(t, read(t, here.path("host.toml")), `targets = ["local"]`, fmt.Sprintf("targets = [%q]", "http://"+user.addr))
	routes := regexp.MustCompile(`(?m)^\[\[route\]\]\nmethod  = "[A-Z]+"\npath    = "[^"]+"\nhandler = "user\.[a-z_]+"\n(# .*\n)*`)
	if n := len(routes.FindAllString(text, -1)); n != 6 {
		t.Fatalf("%d routes of user in the sample", n)
	}
	here.write("host.toml", routes.ReplaceAllString(text, ""))
	order.expectLog("reloaded")

	ask(ada).want(201)
	ask(ada+"0").refused(400, "does not exist")
	order.get("/users/" + ada).want(404) // its routes are gone
	if body := order.operate("GET", "/services").want(200).body; !regexp.MustCompile(`"target": "http://` + regexp.QuoteMeta(user.addr) + `",\s+"state": "healthy"`).MatchString(body) {
		t.Errorf("GET /services says %s", body)
	}

	// Without it, orders cannot be taken, and that is an answer; with it they can again.
	user.stop()
	if r := ask(ada); r.status < 500 {
		t.Errorf("without user an order got %d %s", r.status, r.body)
	}
	order.stop()
}
