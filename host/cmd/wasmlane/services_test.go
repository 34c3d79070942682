//go:build unix

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// The services of the sample, as their clients see them: two plugins, one store,
// and a call from one to the other.

func TestUsersAndOrders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start()
	p.get("/health").want(200)

	created := p.do("POST", "/users", `{"name": "Ada", "email": "Ada@Example.com"}`).want(201)
	ada := created.field("id")
	if got, want := created.header.Get("Location"), "/users/"+ada; got != want {
		t.Errorf("Location is %q, want %q", got, want)
	}
	got := p.get("/users/" + ada).want(200)
	for name, want := range map[string]string{"id": ada, "name": "Ada", "email": "ada@example.com", "status": "active"} {
		if is := got.field(name); is != want {
			t.Errorf("%s is %q, want %q", name, is, want)
		}
	}
	p.do("POST", "/users", `{"name": "Imposter", "email": "ada@example.com"}`).refused(409, "ada@example.com")
	p.do("PUT", "/users/"+ada, `{"name": "Ada L.", "email": "ada@example.org"}`).want(200)
	if name := p.get("/users/" + ada).want(200).field("name"); name != "Ada L." {
		t.Errorf("after the update the name is %q", name)
	}
	// The address she gave up is free again.
	grace := p.do("POST", "/users", `{"name": "Grace", "email": "ada@example.com"}`).want(201).field("id")
	gone := p.do("POST", "/users", `{"name": "Gone", "email": "gone@example.com"}`).want(201).field("id")
	p.do("DELETE", "/users/"+gone, "").want(204)
	p.get("/users/"+gone).refused(404, "does not exist")
	p.do("DELETE", "/users/"+gone, "").refused(404, "does not exist")

	order := p.do("POST", "/orders", fmt.Sprintf(`{"user_id": %q, "product_id": "p-1", "quantity": 2}`, ada)).want(201)
	first := order.field("id")
	if order.field("user_id") != ada || order.field("status") != "created" {
		t.Errorf("the order is %s", order.body)
	}
	p.do("POST", "/orders", `{"user_id": "9999", "product_id": "p-1", "quantity": 1}`).refused(400, "user 9999 does not exist")
	p.do("POST", "/orders", fmt.Sprintf(`{"user_id": %q, "product_id": "p-1", "quantity": 1}`, gone)).refused(400, "does not exist")
	p.get("/orders/"+first+"0").refused(404, "does not exist")

	// All of it is there after a restart, and numbers go on where they were.
	p.stop()
	p = s.start()
	if name := p.get("/users/" + ada).want(200).field("name"); name != "Ada L." {
		t.Errorf("after the restart the name is %q", name)
	}
	if product := p.get("/orders/" + first).want(200).field("product_id"); product != "p-1" {
		t.Errorf("after the restart the product is %q", product)
	}
	p.get("/users/"+gone).refused(404, "does not exist")
	p.do("POST", "/users", `{"name": "Ada", "email": "ada@example.org"}`).refused(409, "ada@example.org")
	next := p.do("POST", "/users", `{"name": "Mary", "email": "mary@example.com"}`).want(201).field("id")
	for _, before := range []string{ada, grace, gone} {
		if number(t, next) <= number(t, before) {
			t.Errorf("after the restart the id is %s, and %s was given out before", next, before)
		}
	}
	second := p.do("POST", "/orders", fmt.Sprintf(`{"user_id": %q, "product_id": "p-2", "quantity": 1}`, ada)).want(201).field("id")
	var page struct{ Orders []struct{ ID string } }
	p.get("/users/" + ada + "/orders").want(200).decode(&page)
	if len(page.Orders) != 2 || page.Orders[0].ID != first || page.Orders[1].ID != second {
		t.Errorf("her orders are %v, want %s and %s", page.Orders, first, second)
	}
	p.stop()
}

func number(t *testing.T, id string) int {
	t.Helper()
	n, err := strconv.Atoi(id)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	p := newSite(t).start()
	var want []string
	for i := range 7 {
		want = append(want, p.do("POST", "/users", fmt.Sprintf(`{"name": "N", "email": "n%d@example.com"}`, i)).want(201).field("id"))
	}
	var got []string
	pages, after := 0, ""
	for {
		var page struct {
			Users []struct{ ID string }
			Next  string
		}
		p.get("/users?limit=3&after=" + after).want(200).decode(&page)
		for _, u := range page.Users {
			got = append(got, u.ID)
		}
		pages++
		if after = page.Next; after == "" {
			break
		}
	}
	if pages != 3 || !slices.Equal(got, want) {
		t.Errorf("%d pages with the users %v, want 3 with %v", pages, got, want)
	}
	p.get("/users?limit=0").refused(400, `"limit"`)
	p.get("/users?after=x").refused(400, `"after"`)
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	p := newSite(t).start()
	for body, reason := range map[string]string{
		``:                                "",
		`{"name": "Ada", "email"`:         "",
		`[]`:                              "",
		`{"name": 7, "email": "a@b.org"}`: "name",
		`{"email": "a@b.org"}`:            `"name" is required`,
		`{"name": "Ada", "email": "ada"}`: "email",
		"\xff\xfe{}":                      "",
	} {
		p.do("POST", "/users", body).refused(400, reason)
	}
	p.do("POST", "/orders", `{"user_id": "1", "product_id": "p", "quantity": 0}`).refused(400, `"quantity"`)
	p.do("POST", "/orders", `{"user_id": "../1", "product_id": "p", "quantity": 1}`).refused(400, `"user_id"`)
	p.get("/health").want(200)
}

func TestLoadAndServiceInformation(t *testing.T) {
	t.Parallel()
	p := newSite(t).start()
	r := p.get("/load/7").want(200)
	if took := r.header.Get("X-Processing-Time"); !regexp.MustCompile(`^[0-9]+\.[0-9]{3}ms$`).MatchString(took) {
		t.Errorf("X-Processing-Time is %q, want such as 1.234ms", took)
	}
	if id := r.field("id"); id != "7" {
		t.Errorf("the id is %q, want 7", id)
	}
	var info struct {
		Name       string
		Port       int
		HealthPath string `json:"health_path"`
		Services   []string
		Memory     int64 `json:"memory_bytes"`
	}
	p.get("/service").want(200).decode(&info)
	if want := fmt.Sprintf("127.0.0.1:%d", info.Port); p.addr != want || info.Name != "wasmlane" ||
		info.HealthPath != "/health" || !slices.Equal(info.Services, []string{"user"}) || info.Memory < 1<<20 {
		t.Errorf("@service says %+v; the address is %s", info, p.addr)
	}
	p.get("/ready").want(200)
	if text := p.get("/metrics").want(200).body; !regexp.MustCompile(`(?m)^wasmlane_requests_total\{plugin="user",handler="load",route="/load/\{id\}",method="GET",code="2xx"\} [1-9]`).MatchString(text) {
		t.Errorf("the metrics count no request:\n%s", text)
	}
}

// What the host suggests at its start works as it stands there.
func TestSuggestedRequests(t *testing.T) {
	t.Parallel()
	p := newSite(t).start()
	line := regexp.MustCompile(`(?m)^  curl -i (?:-d '([^']*)' )?'http://([^/']+)([^']*)'$`)
	p.wait("the suggestions", func() bool { return len(line.FindAllString(p.stdout.String(), -1)) == 2 })
	found := line.FindAllStringSubmatch(p.stdout.String(), -1)
	for i, want := range []struct {
		method string
		status int
	}{{"POST", 201}, {"GET", 200}} {
		body, addr, path := found[i][1], found[i][2], found[i][3]
		if addr != p.addr {
			t.Errorf("%s is not the address %s", found[i][0], p.addr)
		}
		p.do(want.method, path, body).want(want.status)
	}
}
