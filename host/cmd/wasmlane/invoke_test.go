package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// invoke runs a handler of the sample's plugins.
func invoke(t *testing.T, s *site, stdin string, args ...string) result {
	t.Helper()
	return wasmlaneWith(t, stdin, append([]string{"invoke", "-c", s.path("host.toml")}, args...)...)
}

// answers checks what the handler answered.
func (r result) answers(status string, header ...string) result {
	r.t.Helper()
	head, _, ok := strings.Cut(r.stdout, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != "HTTP "+status {
		r.t.Fatalf("wasmlane %q answers\n%s%s\nwant HTTP %s", r.args, r.stdout, r.stderr, status)
	}
	return r.says(header...)
}

// json decodes the body.
func (r result) json(to any) {
	r.t.Helper()
	_, body, _ := strings.Cut(r.stdout, "\n\n")
	if err := json.Unmarshal([]byte(body), to); err != nil {
		r.t.Fatalf("%v in %s", err, body)
	}
}

const ada = `{"name": "Ada", "email": "ada@example.com"}`

func TestInvoke(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var failure struct {
		Error     string
		RequestID string `json:"request_id"`
	}
	r := invoke(t, s, "", "user.get_user", "-param", "id=7", "-H", "X-Request-Id: tried-by-hand", "/users/7")
	r.exits(exitOK).answers("404", "Content-Type: application/json\n", "X-Request-Id: tried-by-hand\n").json(&failure)
	if failure.Error != "user 7 does not exist" || failure.RequestID != "tried-by-hand" {
		t.Errorf("the failure is %+v", failure)
	}
	if r.stderr != "" {
		t.Errorf("it writes to standard error:\n%s", r.stderr)
	}

	// A body makes it a POST, however it is given.
	file := write(t, "ada.json", []byte(ada))
	for _, body := range []string{ada, "@" + file, "@-"} {
		var user struct{ ID, Name string }
		invoke(t, s, ada, "user.create_user", "-d", body, "/users").exits(exitOK).
			answers("201", "Location: /users/1\n").json(&user)
		if user.ID != "1" || user.Name != "Ada" {
			t.Errorf("-d %s: the user is %+v", body, user)
		}
	}
	invoke(t, s, "", "user.create_user", "-X", "POST", "/users").exits(exitOK).answers("400")
	invoke(t, s, "", "user.list_users", "/users?limit=500").exits(exitOK).answers("400", "limit")
	invoke(t, s, "", "user.list_users").exits(exitOK).answers("200", `"users":[]`)
	// A file that is not there is no body.
	invoke(t, s, "", "user.create_user", "-d", "@"+file+".none").exits(exitFailed).complains("wasmlane: -d @" + file + ".none: ")
	if _, err := os.Stat(s.path("data")); err == nil {
		t.Error("trying handlers has made a store")
	}
}

// The service user answers in process, and has nobody, or what is in the store.
func TestInvokeCalls(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	order := `{"user_id": "1", "product_id": "p-1", "quantity": 1}`
	invoke(t, s, "", "order.create_order", "-d", order).exits(exitOK).answers("400", "user 1 does not exist")

	invoke(t, s, "", "-store", "user.create_user", "-d", ada).exits(exitOK).answers("201")
	invoke(t, s, "", "-store", "order.create_order", "-d", order).exits(exitOK).answers("201", `"status"`, "Location: /orders/1")
	invoke(t, s, "", "-store", "order.get_order", "-param", "id=1").exits(exitOK).answers("200", "p-1")
	invoke(t, s, "", "order.get_order", "-param", "id=1").exits(exitOK).answers("404")
}

func TestInvokeErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	invoke(t, s, "", "usr.get_user").exits(exitFailed).complains(`no plugin "usr"`, "order, user")
	invoke(t, s, "", "user.get_usr").exits(exitFailed).complains(`user.wasm has no handler "get_usr"`, "get_user")
	invoke(t, s, "", "user.get_user", "-X", "GET HTTP", "/").exits(exitFailed).complains("wasmlane: ")
	invoke(t, s, "", "user.get_user", "-H", "A: b\r\nC: d", "/").exits(exitFailed).complains("wasmlane: ")

	// A handler that fails is a failure of the command: scripts look at its code.
	s.write("plugins/broken.wasm", string(traps()))
	invoke(t, s, "", "broken.fail").exits(exitFailed).answers("500").complains("handler failed", "unreachable")
	// A plugin that does not load says why.
	s.write("plugins/user.wasm", "no module")
	invoke(t, s, "", "user.get_user").exits(exitFailed).complains("user.wasm: not a WebAssembly module")
	// Other plugins can be tried all the same, but not under a broken host.toml.
	invoke(t, s, "", "order.get_order", "-param", "id=1").exits(exitOK).answers("404")
	s.edit("[server]", "[server]\nnodelya = true")
	invoke(t, s, "", "order.get_order").exits(exitFailed).complains("host.toml:", `server.nodelya: unknown key; did you mean "nodelay"?`)
}
