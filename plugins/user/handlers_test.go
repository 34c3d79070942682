package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanetest"
)

// The requests that the tests send, in the way the routes would.

func get(t *testing.T, env *lanetest.Env, id string) *lanetest.Response {
	t.Helper()
	return lanetest.Get("/users/x").Param("id", id).In(env).Do(t, getUser)
}

func post(t *testing.T, env *lanetest.Env, name, email string) *lanetest.Response {
	t.Helper()
	return lanetest.Post("/users", body(name, email)).In(env).Do(t, createUser)
}

func put(t *testing.T, env *lanetest.Env, id, name, email string) *lanetest.Response {
	t.Helper()
	return lanetest.Put("/users/x", body(name, email)).Param("id", id).In(env).Do(t, updateUser)
}

func del(t *testing.T, env *lanetest.Env, id string) *lanetest.Response {
	t.Helper()
	return lanetest.Delete("/users/x").Param("id", id).In(env).Do(t, deleteUser)
}

func body(name, email string) string { return fmt.Sprintf(`{"name": %q, "email": %q}`, name, email) }

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

func TestLifeOfAUser(t *testing.T) {
	env := lanetest.New()
	wantError(t, get(t, env, "1"), 404, "user 1 does not exist")

	res := post(t, env, " Ada ", " Ada@Example.COM ")
	ada := `{"id":"1","name":"Ada","email":"ada@example.com","status":"active"}`
	want(t, res, 201, ada)
	if got := res.Header.Get("Location"); got != "/users/1" {
		t.Errorf("Location is %q", got)
	}
	want(t, get(t, env, "1"), 200, ada)

	wantError(t, post(t, env, "Eve", "ADA@example.com"), 409, "another user has the email ada@example.com")
	if record, ok := env.KV.Get(userKey(2)); ok {
		t.Errorf("the refused user is still in the store: %s", record)
	}
	want(t, post(t, env, "Bob", "bob@example.com"), 201, `{"id":"3","name":"Bob","email":"bob@example.com","status":"active"}`)

	want(t, put(t, env, "1", "Ada L.", "ada@example.com"), 200, `{"id":"1","name":"Ada L.","email":"ada@example.com","status":"active"}`)
	wantError(t, put(t, env, "1", "Ada", "BOB@example.com"), 409, "another user has the email bob@example.com")
	want(t, get(t, env, "1"), 200, `{"id":"1","name":"Ada L.","email":"ada@example.com","status":"active"}`)
	if record, _ := env.KV.Get(userKey(1)); strings.Contains(record, "next") {
		t.Errorf("the refused change is still in the record: %s", record)
	}
	want(t, put(t, env, "1", "Ada", "ada@example.org"), 200, `{"id":"1","name":"Ada","email":"ada@example.org","status":"active"}`)
	wantError(t, put(t, env, "7", "Ada", "ada7@example.org"), 404, "user 7 does not exist")

	// The address that Ada left is free, and so is that of a user who is gone.
	want(t, post(t, env, "Eve", "ada@example.com"), 201, `{"id":"4","name":"Eve","email":"ada@example.com","status":"active"}`)
	want(t, del(t, env, "3"), 204, "")
	wantError(t, get(t, env, "3"), 404, "user 3 does not exist")
	wantError(t, del(t, env, "3"), 404, "user 3 does not exist")
	wantError(t, put(t, env, "3", "Bob", "bob@example.com"), 404, "user 3 does not exist")
	want(t, post(t, env, "Bob", "bob@example.com"), 201, `{"id":"5","name":"Bob","email":"bob@example.com","status":"active"}`)

	// And back again, to an address the user had before.
	want(t, del(t, env, "4"), 204, "")
	want(t, put(t, env, "1", "Ada", "ada@example.com"), 200, `{"id":"1","name":"Ada","email":"ada@example.com","status":"active"}`)
	want(t, put(t, env, "1", "Ada", "ada@example.org"), 200, `{"id":"1","name":"Ada","email":"ada@example.org","status":"active"}`)
}

func TestIDsThatNoUserHas(t *testing.T) {
	env := lanetest.New()
	post(t, env, "Ada", "ada@example.com")
	for _, id := range []string{"", "0", "01", "+1", "-1", "1 ", "1.0", "x", "../user/1", "9223372036854775808", strings.Repeat("1", 99)} {
		message := "user " + id + " does not exist"
		wantError(t, get(t, env, id), 404, message)
		wantError(t, put(t, env, id, "Ada", "ada@example.com"), 404, message)
		wantError(t, del(t, env, id), 404, message)
	}
	if got := get(t, env, "9223372036854775807").Status; got != 404 {
		t.Errorf("the largest id: %d", got)
	}
}

// Each file of testdata/input is a body; the one beside it holds the message that
// the client gets, or the user as it is answered.
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
			create := lanetest.Post("/users", text).Do(t, createUser)
			env := lanetest.New()
			post(t, env, "Ada", "ada@example.com")
			update := lanetest.Put("/users/1", text).Param("id", "1").In(env).Do(t, updateUser)
			if strings.HasPrefix(wanted, "{") {
				want(t, create, 201, wanted)
				want(t, update, 200, wanted)
			} else {
				wantError(t, create, 400, wanted)
				wantError(t, update, 400, wanted)
			}
		})
	}
}

func TestList(t *testing.T) {
	env := lanetest.New()
	list := func(query string) *lanetest.Response {
		t.Helper()
		return lanetest.Get("/users"+query).In(env).Do(t, listUsers)
	}
	want(t, list(""), 200, `{"users":[]}`)
	for i := 1; i <= 25; i++ {
		post(t, env, "U", fmt.Sprintf("u%d@example.com", i))
	}
	del(t, env, "2")
	for _, c := range []struct{ query, ids, next string }{
		{"", "1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21", "21"},
		{"?after=21", "22 23 24 25", ""},
		{"?limit=3", "1 3 4", "4"},
		{"?limit=3&after=4", "5 6 7", "7"},
		{"?limit=1&after=1", "3", "3"},
		{"?limit=4&after=21", "22 23 24 25", ""},
		{"?limit=100", "1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25", ""},
		{"?after=2", "3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22", "22"},
		{"?after=99", "", ""},
	} {
		var got page
		list(c.query).JSON(&got)
		var ids []string
		for _, u := range got.Users {
			ids = append(ids, u.ID)
		}
		if strings.Join(ids, " ") != c.ids || got.Next != c.next {
			t.Errorf("%q gives %v, next %q", c.query, ids, got.Next)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=x", "?limit=-1", "?limit=1.5"} {
		wantError(t, list(query), 400, `"limit" must be a number from 1 to 100`)
	}
	for _, query := range []string{"?after=x", "?after=0", "?after=01"} {
		wantError(t, list(query), 400, `"after" must be the "next" of the page before`)
	}
}

func TestLoad(t *testing.T) {
	res := lanetest.Get("/load/7").Param("id", "7").Do(t, load)
	var got struct {
		ID, Hash string
		Rounds   int
	}
	res.JSON(&got)
	if res.Status != 200 || got.ID != "7" || got.Rounds != rounds || got.Hash == "" {
		t.Errorf("got %d %s", res.Status, res.Text())
	}
	header := res.Header.Get("X-Processing-Time")
	number, isMS := strings.CutSuffix(header, "ms")
	if ms, err := strconv.ParseFloat(number, 64); err != nil || !isMS || ms <= 0 || !regexp.MustCompile(`\.\d{3}ms$`).MatchString(header) {
		t.Errorf("X-Processing-Time is %q", header)
	}
	other := lanetest.Get("/load/8").Param("id", "8").Do(t, load)
	if other.Text() == strings.Replace(res.Text(), `"7"`, `"8"`, 1) {
		t.Error("another id has the same hash")
	}
}

// Whatever fails in the store, the client hears of no more than that.
func TestStoreFails(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*testing.T, *lanetest.Env) *lanetest.Response
	}{
		{"get", func(t *testing.T, env *lanetest.Env) *lanetest.Response { return get(t, env, "1") }},
		{"list", func(t *testing.T, env *lanetest.Env) *lanetest.Response {
			return lanetest.Get("/users").In(env).Do(t, listUsers)
		}},
		{"create", func(t *testing.T, env *lanetest.Env) *lanetest.Response { return post(t, env, "B", "b@example.com") }},
		{"update", func(t *testing.T, env *lanetest.Env) *lanetest.Response {
			return put(t, env, "1", "A", "b@example.com")
		}},
		{"delete", func(t *testing.T, env *lanetest.Env) *lanetest.Response { return del(t, env, "1") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for failAt := 1; ; failAt++ {
				env := lanetest.New()
				post(t, env, "A", "a@example.com")
				count := 0
				env.OnKV = func(string, string) error {
					if count++; count == failAt {
						return errors.New("disk on fire")
					}
					return nil
				}
				res := c.do(t, env)
				if count < failAt {
					if res.Status >= 300 {
						t.Errorf("status %d without a failure", res.Status)
					}
					if failAt == 1 {
						t.Error("the store is not used")
					}
					return
				}
				wantError(t, res, 503, "unavailable; try again later")
				if logs := env.Logs(); len(logs) != 1 || logs[0].Level != wasmlane.LevelError || !strings.Contains(logs[0].Text, "the other side failed") {
					t.Errorf("logged %v", logs)
				}
			}
		})
	}
}

// A record that is no JSON is reported by its key, and nothing is overwritten.
func TestDamagedStore(t *testing.T) {
	env := lanetest.New()
	post(t, env, "A", "a@example.com")
	env.KV.Set(userKey(1), "{")
	for _, res := range []*lanetest.Response{get(t, env, "1"), put(t, env, "1", "B", "b@example.com"), post(t, env, "B", "a@example.com")} {
		wantError(t, res, 500, "internal error")
	}
	env.KV.Set("email/c@example.com", "1")
	wantError(t, post(t, env, "C", "c@example.com"), 500, "internal error")
	for _, m := range env.Logs() {
		if !strings.Contains(m.Text, "is damaged") {
			t.Errorf("logged %v", m)
		}
	}
	if value, _ := env.KV.Get(userKey(1)); value != "{" {
		t.Errorf("the record is now %q", value)
	}
}
