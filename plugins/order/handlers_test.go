package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// newEnv returns an Env whose user service knows the users 1 and 2.
func newEnv() *lanetest.Env {
	env := lanetest.New()
	env.Service("user", func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.RequestURI {
		case "GET /users/1":
			fmt.Fprint(w, `{"id":"1","name":"Ada","email":"ada@example.com","status":"active"}`)
		case "GET /users/2":
			fmt.Fprint(w, `{"id":"2","name":"Bob","email":"bob@example.com","status":"active"}`)
		default:
			http.Error(w, `{"error": "no such user"}`, 404)
		}
	})
	return env
}

func post(t *testing.T, env *lanetest.Env, body string) *lanetest.Response {
	t.Helper()
	return lanetest.Post("/orders", body).In(env).Do(t, createOrder)
}

func get(t *testing.T, env *lanetest.Env, id string) *lanetest.Response {
	t.Helper()
	return lanetest.Get("/orders/x").Param("id", id).In(env).Do(t, getOrder)
}

func list(t *testing.T, env *lanetest.Env, user, query string) *lanetest.Response {
	t.Helper()
	return lanetest.Get("/users/x/orders"+query).Param("id", user).In(env).Do(t, listOrders)
}

// want checks status and body.
func want(t *testing.T, res *lanetest.Response, status int, text string) {
	t.Helper()
	if res.Status != status || strings.TrimSpace(res.Text()) != text {
		t.Errorf("got  %d %s\nwant %d %s", res.Status, res.Text(), status, text)
	}
}

// wantError checks status and message.
func wantError(t *testing.T, res *lanetest.Response, status int, message string) {
	t.Helper()
	want(t, res, status, fmt.Sprintf(`{"error": %q, "request_id": "test"}`, message))
}

const good = `{"user_id": "1", "product_id": "tea-7", "quantity": 2}`

func TestLifeOfAnOrder(t *testing.T) {
	env := newEnv()
	wantError(t, get(t, env, "1"), 404, "order 1 does not exist")
	want(t, list(t, env, "1", ""), 200, `{"orders":[]}`)

	res := post(t, env, good)
	order := `{"id":"1","user_id":"1","product_id":"tea-7","quantity":2,"status":"created"}`
	want(t, res, 201, order)
	if got := res.Header.Get("Location"); got != "/orders/1" {
		t.Errorf("Location is %q", got)
	}
	want(t, get(t, env, "1"), 200, order)
	want(t, list(t, env, "1", ""), 200, `{"orders":[`+order+`]}`)
	want(t, list(t, env, "2", ""), 200, `{"orders":[]}`)

	wantError(t, post(t, env, strings.Replace(good, `"1"`, `"7"`, 1)), 400, "user 7 does not exist")
	for _, id := range []string{"", "0", "01", "x", "-1", "9223372036854775808", "9223372036854775807"} {
		wantError(t, get(t, env, id), 404, "order "+id+" does not exist")
	}
}

func TestList(t *testing.T) {
	env := newEnv()
	for i := range 25 { // order i+1 belongs to user i%2+1
		post(t, env, fmt.Sprintf(`{"user_id": "%d", "product_id": "p", "quantity": 1}`, i%2+1))
	}
	for _, c := range []struct{ user, query, ids, next string }{
		{"1", "", "1 3 5 7 9 11 13 15 17 19 21 23 25", ""},
		{"2", "?limit=3", "2 4 6", "6"},
		{"2", "?limit=3&after=6", "8 10 12", "12"},
		{"2", "?limit=12", "2 4 6 8 10 12 14 16 18 20 22 24", ""},
		{"2", "?limit=11", "2 4 6 8 10 12 14 16 18 20 22", "22"},
		{"1", "?after=25", "", ""},
		{"12", "", "", ""},
	} {
		var got page
		list(t, env, c.user, c.query).JSON(&got)
		var ids []string
		for _, o := range got.Orders {
			if o.UserID != c.user {
				t.Errorf("the list of user %s has an order of user %s", c.user, o.UserID)
			}
			ids = append(ids, o.ID)
		}
		if strings.Join(ids, " ") != c.ids || got.Next != c.next {
			t.Errorf("%s %q gives %v, next %q", c.user, c.query, ids, got.Next)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=x"} {
		wantError(t, list(t, env, "1", query), 400, `"limit" must be a number from 1 to 100`)
	}
	wantError(t, list(t, env, "1", "?after=x"), 400, `"after" must be the "next" of the page before`)
	for _, user := range []string{"", "1/2", "..", "é", strings.Repeat("1", 65)} {
		wantError(t, list(t, env, user, ""), 400, `the user's id must be 1 to 64 letters, digits, "-", "_" or "."`)
	}
}

// Each file of testdata/input is a body; the one beside it holds the message that
// the client gets, or the order as it is answered. No order is made of a bad one,
// nor is the user service asked.
func TestInput(t *testing.T) {
	files, err := filepath.Glob("testdata/input/*.body")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			read := func(name string) string {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				return strings.TrimSuffix(string(text), "\n")
			}
			text, wanted := read(file), read(strings.TrimSuffix(file, "body")+"want")
			if strings.HasPrefix(wanted, "{") {
				want(t, post(t, newEnv(), text), 201, wanted)
				return
			}
			env := lanetest.New()
			env.Service("user", func(http.ResponseWriter, *http.Request) { t.Error("the user service was asked") })
			wantError(t, post(t, env, text), 400, wanted)
			if keys := env.KV.Keys(); len(keys) > 0 {
				t.Errorf("the store has %v", keys)
			}
		})
	}
}

// What the user service says decides who is at fault.
func TestUserService(t *testing.T) {
	const (
		away    = "the user service is unavailable"
		late    = "the user service did not answer in time"
		failed  = "the user service failed"
		unasked = "the user service cannot be asked"
		unclear = "the user service's answer was not understood"
	)
	for _, c := range []struct {
		status  int
		body    string
		want    int
		message string
		logged  string
	}{
		{404, `{}`, 400, "user 1 does not exist", ""},
		{504, `{}`, 504, late, "it answered 504"},
		{500, `{}`, 502, failed, "it answered 500"},
		{503, `{}`, 503, away, "it answered 503"},
		{508, `{}`, 502, failed, "it answered 508"},
		{401, `{}`, 502, failed, "it answered 401"},
		{301, ``, 502, failed, "it answered 301"},
		{204, ``, 502, failed, "it answered 204"},
		{200, ``, 502, unclear, "unexpected end of JSON input"},
		{200, `<html>`, 502, unclear, "invalid character"},
		{200, `{"id": 1}`, 502, unclear, "cannot unmarshal number"},
		{200, `{}`, 502, unclear, `asked for user 1, it answered with user ""`},
		{200, `{"id": "2"}`, 502, unclear, `asked for user 1, it answered with user "2"`},
	} {
		env := lanetest.New()
		env.Service("user", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		})
		wantRefused(t, env, c.want, c.message, c.logged)
	}
	for _, c := range []struct {
		err     error
		want    int
		message string
	}{
		{wasmlane.ErrTimeout, 504, late},
		{wasmlane.ErrUnavailable, 502, unasked},
		{wasmlane.ErrDenied, 502, unasked},
		{wasmlane.ErrTooLarge, 502, unasked},
	} {
		env := lanetest.New()
		env.FailService("user", c.err)
		wantRefused(t, env, c.want, c.message, c.err.Error())
	}
}

// wantRefused posts an order and checks that it is refused, that the log says why,
// and that nothing was stored.
func wantRefused(t *testing.T, env *lanetest.Env, status int, message, logged string) {
	t.Helper()
	wantError(t, post(t, env, good), status, message)
	logs := env.Logs()
	if logged == "" && len(logs) > 0 || logged != "" && (len(logs) != 1 || !strings.Contains(logs[0].Text, logged)) {
		t.Errorf("logged %v, want %q", logs, logged)
	}
	if keys := env.KV.Keys(); len(keys) > 0 {
		t.Errorf("the store has %v", keys)
	}
}

// Wherever a request ends, an order that can be read is in its user's list, and
// the list holds no other.
func TestCutOff(t *testing.T) {
	for cutAt := 1; ; cutAt++ {
		env := newEnv()
		post(t, env, good)
		step := 0
		env.OnKV = func(string, string) error {
			if step++; step == cutAt {
				return errors.New("disk on fire")
			}
			return nil
		}
		res := post(t, env, good)
		env.OnKV = nil
		var listed page
		list(t, env, "1", "").JSON(&listed)
		found := get(t, env, "2").Status == 200
		if inList := len(listed.Orders) == 2; inList != found || found != (res.Status == 201) {
			t.Errorf("ended at step %d with %d: found %v, in the list %v", cutAt, res.Status, found, inList)
		}
		if again := post(t, env, good); again.Status != 201 {
			t.Errorf("after a request that ended at step %d: %d %s", cutAt, again.Status, again.Text())
		}
		if step < cutAt {
			if cutAt < 4 {
				t.Errorf("a create takes %d steps", cutAt)
			}
			return
		}
		wantError(t, res, 503, "unavailable; try again later")
	}
}

func TestStoreIsLate(t *testing.T) {
	env := newEnv()
	env.OnKV = func(string, string) error { return wasmlane.ErrTimeout }
	wantError(t, post(t, env, good), 504, "the handler did not answer in time")
}

func TestDamagedStore(t *testing.T) {
	env := newEnv()
	post(t, env, good)
	env.KV.Set(orderKey(1), "{")
	wantError(t, get(t, env, "1"), 500, "internal error")
	wantError(t, list(t, env, "1", ""), 500, "internal error")
	for _, m := range env.Logs() {
		if !strings.Contains(m.Text, "is damaged") {
			t.Errorf("logged %v", m)
		}
	}
}
