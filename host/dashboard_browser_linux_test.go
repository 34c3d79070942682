package host

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// pictures is where the browser test puts what it sees; "" takes none.
var pictures = flag.String("pictures", "", "directory for screenshots of the dashboard")

// evil is what a guest, a client or a file may put into a text. It must never run.
const evil = `<img src=x onerror="window.pwned=1">`

// evilFunctions has the stacks of a guest say that.
func evilFunctions(g *guest) *guest {
	names := map[uint32]string{}
	for i := range g.bodies {
		names[uint32(len(g.funcs)+i)] = evil
	}
	g.module.Names(names)
	return g
}

// watched is a host with a little traffic behind it, all kinds of trouble, and a
// dashboard.
func watched(t *testing.T) *rig {
	t.Helper()
	g := newGuest()
	g.on("get", g.do("log", 2, "greeting "+evil), g.do("write", "hello"))
	g.on("trap", wasmtest.Unreachable())
	g.on("sleep", g.sleep(time.Minute))
	r := start(t, setup{
		keys:   guarded + "plugin.greeter.timeout = \"20s\"\nlog.level = \"info\"",
		guests: map[string]*guest{"greeter": evilFunctions(g), "idle": says("idle")},
		files:  map[string][]byte{"plugins/" + evil + ".wasm": {}, "plugins/broken.wasm": []byte("#!/bin/sh\n")},
		routes: "GET /health @health\nGET /users/{id} greeter.get\nPUT /users/{id} greeter.get\nGET /broken broken.get\nGET /short greeter.sleep timeout = \"60ms\"",
	})
	return r
}

// TestDashboard looks at the page as an operator does.
func TestDashboard(t *testing.T) {
	b := openBrowser(t)
	r := watched(t)
	p := newProxy(t, r.adminAddr())
	b.size(1280, 1000, false)

	b.open("http://" + p.addr + "/")
	b.sees("#login h2", "asks for its token")
	b.picture("login")
	b.press("wrong" + keyEnter) // the field has the focus
	b.sees("#refusal", "not the token")
	b.press(adminToken + keyEnter)
	b.sees("#state", "Live")
	b.sees("#plots", "No requests in the last ten minutes")
	b.sees("#plots", "No errors in the last ten minutes")
	b.sees("main", "No plugin has failed.")
	b.sees("main", "No reload since the start.")
	b.picture("empty")
	if address := eval[string](b, "return location.href + document.cookie + JSON.stringify(localStorage)"); strings.Contains(address, adminToken) {
		t.Errorf("the token is in %s", address)
	}

	traffic(r)
	b.sees("#plots", "155 in ten minutes")
	b.sees("#plots", "5 5xx, 10 4xx in ten minutes")
	t.Run("tables", func(t *testing.T) { checkTables(t, b, r) })
	t.Run("hostile", func(t *testing.T) { checkHostile(t, b, r) })
	b.open("http://" + p.addr + "/dashboard") // the tab keeps the token
	b.sees("#state", "Live")
	t.Run("reload", func(t *testing.T) { checkReload(t, b, r) })
	t.Run("keyboard", func(t *testing.T) {
		b.open("http://" + p.addr + "/") // Tab begins at the top
		checkKeyboard(t, b)
	})
	t.Run("uneven", func(t *testing.T) { checkUneven(t, b) })
	t.Run("looks", func(t *testing.T) { checkLooks(t, b, r) })
	t.Run("lost", func(t *testing.T) {
		b.open("http://" + p.addr + "/")
		b.sees("#state", "Live")
		checkLost(t, b, p)
	})
	for _, line := range b.complaints() {
		// Refusals of the token and the lost connection are reported as they should be.
		if !strings.Contains(line, "/events - Failed to load resource") && !strings.Contains(line, "/reload - Failed to load resource") {
			t.Errorf("the console says %s", line)
		}
	}
}

// traffic is 155 requests.
func traffic(r *rig) {
	for i := range 140 {
		r.get(fmt.Sprint("/users/", i))
	}
	for range 10 {
		r.get("/none/" + strings.ReplaceAll(evil, " ", "%20"))
	}
	for range 4 {
		r.get("/greeter/trap")
	}
	r.get("/short")
}

func checkTables(t *testing.T, b *browser, r *rig) {
	cells := func(table, heading string) []string {
		return eval[[]string](b, `
			const rows = [...document.querySelectorAll(arguments[0] + " tbody tr")];
			return [...rows.find((r) => r.cells[0].innerText.includes(arguments[1])).cells].map((c) => c.textContent)`, table, heading)
	}
	b.sees("#routes tbody", "no route") // the tables come every two seconds
	for end := time.Now().Add(patience); time.Now().Before(end) && (cells("#routes", "/short")[6] != "1" || cells("#plugins", "greeter")[4] != "5"); time.Sleep(50 * time.Millisecond) {
	}
	route := cells("#routes", "/users/{id}")
	if len(route) != 8 || !strings.HasPrefix(route[0], "GET, PUT") || route[1] != "greeter.get" || route[6] != "0" || route[7] != "140" || route[4] == "–" {
		t.Errorf("the route shows %q", route)
	}
	if none := cells("#routes", "no route"); none[5] != "10" {
		t.Errorf("requests without a route show %q", none)
	}
	plugin := cells("#plugins", "greeter")
	if plugin[1] != "ready" || plugin[4] != "5" || plugin[5] != "0 / 64" || plugin[9] != "5" || plugin[10] != "16 MiB" {
		t.Errorf("the plugin shows %q", plugin)
	}
	if broken := cells("#plugins", "broken"); broken[1] != "not loaded" || !strings.Contains(b.text("#plugins .why"), "looks like a script") {
		t.Errorf("the broken plugin shows %q and %q", broken, b.text("#plugins .why"))
	}
	if text := b.text("#plots"); !strings.Contains(text, "MiB") || !strings.Contains(text, "−10 min") {
		t.Errorf("the plots say %q", text)
	}
	if n := eval[int](b, `return [...document.querySelectorAll("#plots svg")].filter((s) => s.getAttribute("aria-label")).length`); n != 6 {
		t.Errorf("%d plots have a description", n)
	}
	drawn := eval[string](b, `return document.querySelector("#plots path.c0").getAttribute("d")`)
	if !strings.Contains(drawn, "L") {
		t.Errorf("the first plot draws %q", drawn)
	}
}

// checkHostile: texts of guests are shown as they are, and run nothing.
func checkHostile(t *testing.T, b *browser, r *rig) {
	b.t = t
	b.sees("#logs", "greeting "+evil)
	b.sees("#failures", "greeter.trap")
	stack := eval[string](b, `document.querySelector("#failures details:last-of-type").open = true; return document.querySelector("#failures details:last-of-type pre").innerText`)
	if !strings.Contains(stack, evil) {
		t.Errorf("the stack is %q", stack)
	}
	// What the host itself would refuse, a plugin of such a name for one. It is looked
	// at before the next event puts it right.
	parts := []string{"#plugins", "#routes", "#failures", "#reloads", "#logs"}
	shown := eval[[]string](b, `
		const bad = arguments[0];
		return Promise.all([import("/dashboard/tables.js"), import("/dashboard/dom.js")]).then(([tables]) => {
			const minute = { rate: 1, client_errors: 0, errors: 0, p50: 1, p99: 1 };
			tables.plugins([{ name: bad, error: bad, language: bad, sha256: bad, no_reset: bad, minute, instances: { in_use: 1, limit: 1, idle: 1, waiting: 1 }, busy: 1, failures: 1, memory_limit_bytes: 1 }]);
			tables.routes([{ methods: [bad], path: bad, handler: bad, error: bad, requests: 1, minute }, { methods: [], path: "", handler: "", requests: 0, minute }]);
			tables.failures([{ plugin: bad, time: bad, handler: bad, request_id: bad, kind: bad, reason: bad, wasm_stack: bad }]);
			tables.reloads([{ time: bad, ok: false, generation: bad, seconds: 1, errors: [bad] }, { time: "x", ok: true, seconds: 1, changed: [bad] }]);
			tables.logs([{ time: bad, level: bad, msg: bad, plugin: bad, attrs: { [bad]: bad } }]);
			return arguments[1].map((part) => document.querySelector(part).textContent);
		})`, evil, parts)
	for i, text := range shown {
		if strings.Count(text, evil) < 3 && parts[i] != "#reloads" || !strings.Contains(text, evil) {
			t.Errorf("%s shows %q", parts[i], text)
		}
	}
	r.get("/greeter/get") // or the plugins may be the same as before, and not be sent
	b.sees("#plugins tbody", "greeter")
	time.Sleep(200 * time.Millisecond)
	if found := eval[string](b, `return String(window.pwned) + document.querySelectorAll("img, script:not([src]), [onerror], iframe").length`); found != "undefined0" {
		t.Errorf("markup has come into the page: %s", found)
	}
	// And should it, the policy stops it.
	ran := eval[bool](b, `
		document.body.insertAdjacentHTML("beforeend", "<b id=probe>" + arguments[0] + "</b>");
		const probe = document.getElementById("probe");
		return new Promise((done) => probe.firstChild.addEventListener("error", () => setTimeout(done))).then(() => {
			probe.remove();
			return window.pwned === 1;
		})`, evil)
	if ran {
		t.Error("an inline handler runs despite the policy")
	}
	refused := func(line string) bool { return strings.Contains(line, "Content Security Policy") }
	for end := time.Now().Add(patience); !slices.ContainsFunc(b.complaints(), refused); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the browser does not report that the policy stopped it")
		}
	}
}

// checkReload: the button says what changed, or every error with its line.
func checkReload(t *testing.T, b *browser, r *rig) {
	b.t = t
	r.rewrite("[[route]]\npath = \"/broken\"\nhandler = \"broken.get\"\nmethod = \"GET\"\n", "")
	if err := os.Remove(filepath.Join(r.dir, "plugins", "broken.wasm")); err != nil {
		t.Fatal(err)
	}
	b.sees("#facts", "generation\n2") // the host has noticed by itself
	eval[any](b, `document.getElementById("reload").click()`)
	b.sees("#result", "Generation 3 serves: nothing changed")
	b.sees("#facts", "generation\n3")
	r.rewrite("plugin.greeter.timeout = \"20s\"", "plugin.greeter.timeout = '"+evil+"'")
	b.sees("#reloads", "host.toml:")
	eval[any](b, `document.getElementById("reload").click()`)
	b.sees("#result", "Nothing was changed, generation 3 serves on")
	b.sees("#result li", "host.toml:")
	b.sees("#result li", strings.ReplaceAll(evil, `"`, `\"`))
	b.sees("#reloads", "failed; generation 3 serves on")
	b.picture("reload")
	if eval[bool](b, "return window.pwned === 1") {
		t.Error("the error has run")
	}
	r.rewrite("plugin.greeter.timeout = '"+evil+"'", "plugin.greeter.timeout = \"20s\"")
	b.sees("#facts", "generation\n4")
	eval[any](b, `document.querySelector("#result button").click()`)
}

// checkKeyboard: all can be reached and used, and where one is can be seen.
func checkKeyboard(t *testing.T, b *browser) {
	b.t = t
	b.sees("#failures", "greeter.trap")
	var path []string
	for range 30 {
		b.press(keyTab)
		at := eval[[]string](b, `
			const e = document.activeElement, s = getComputedStyle(e);
			return [e.id || e.textContent.trim().slice(0, 20) || e.tagName, e.getAttribute("aria-labelledby") ?? "", s.outlineStyle]`)
		if eval[bool](b, "return document.activeElement === document.body") {
			continue // between the last and the first
		}
		if slices.Contains(path, "logs") && at[0] != "logs" {
			break // around
		}
		if at[2] == "none" {
			t.Errorf("on %q the focus cannot be seen", at[0])
		}
		path = append(path, at[0])
		if at[0] == "reload" {
			b.press(keyEnter)
			b.sees("#result", "Reloaded.")
			if now := eval[string](b, "return document.activeElement.id"); now != "reload" {
				t.Errorf("after a reload the focus is on %q", now)
			}
		}
		if at[0] == "plots" {
			checkCursor(t, b)
		}
		if eval[bool](b, `return document.activeElement === document.querySelector("#failures summary")`) {
			b.press(keyEnter)
			if !eval[bool](b, `return document.querySelector("#failures details").open`) {
				t.Error("Enter does not open a stack")
			}
			b.picture("stack")
			// It stays open while events come.
			time.Sleep(2500 * time.Millisecond)
			if !eval[bool](b, `return document.querySelector("#failures details").open && document.activeElement === document.querySelector("#failures summary")`) {
				t.Error("an event closes the stack or takes the focus")
			}
		}
	}
	all := strings.Join(path, " | ")
	for _, want := range []string{"Skip to the content", "forget", "reload", "plots", "logs"} {
		if !slices.Contains(path, want) {
			t.Errorf("Tab does not reach %q, only %s", want, all)
		}
	}
	if eval[int](b, `return document.querySelectorAll("main, header, h1, section[aria-labelledby]").length`) < 9 ||
		eval[int](b, `return document.querySelectorAll("th:not([scope])").length`) != 0 {
		t.Error("landmarks or headings of tables are missing")
	}
}

// checkCursor: the arrow keys go back to the second that had the requests.
func checkCursor(t *testing.T, b *browser) {
	for range 600 { // as many as there are in ten minutes
		b.press(keyLeft)
		if answered := eval[string](b, `return document.querySelector("#plots .value span").textContent`); answered != "0" {
			if at := b.text("#when"); !strings.HasPrefix(at, "at ") {
				t.Errorf("it does not say when that was, only %q", at)
			}
			b.press(keyEscape)
			if at := b.text("#when"); at != "" {
				t.Errorf("Escape leaves %q", at)
			}
			return
		}
	}
	t.Error("no second with requests is found")
}

// checkUneven: the arrow keys reach every sample, also those of a busy host, which
// lie closer together or further apart than a second.
func checkUneven(t *testing.T, b *browser) {
	b.t = t
	times := []int{0, 1000, 2300, 3000, 3650, 5000, 8000, 8400, 9400, 10400}
	seen := eval[[]string](b, `
		const all = arguments[0].map((time, i) => ({ time, seconds: 1, requests: 100 + i, errors: 0, client_errors: 0, in_use: 0, idle: 0, waiting: 0, memory: 1, cpu: 0, p50: 0, p99: 0 }));
		return import("/dashboard/plots.js").then((plots) => {
			const parent = document.createElement("div"), figure = () => parent.querySelector(".value span").textContent;
			const press = (key) => parent.dispatchEvent(new KeyboardEvent("keydown", { key }));
			plots.build(parent, document.createElement("p"))(all);
			const seen = [figure()];
			for (let i = 1; i < all.length + 1; i++) { press("ArrowLeft"); seen.push(figure()); }
			press("PageDown"); seen.push(figure());
			press("PageUp"); seen.push(figure());
			press("ArrowRight"); seen.push(figure());
			press("Escape"); seen.push(figure());
			return seen;
		})`, times)
	want := []string{"109", "108", "107", "106", "105", "104", "103", "102", "101", "100", "100", "109", "100", "101", "109"}
	if !slices.Equal(seen, want) {
		t.Errorf("the arrow keys show %q, expected %q", seen, want)
	}
}

// checkLost: the page says that the connection is lost, and since when what it
// shows stands still; it comes back by itself and by the button.
func checkLost(t *testing.T, b *browser, p *proxy) {
	b.t = t
	p.down()
	b.sees("#state", "Not connected")
	b.sees("#lost", "The connection is lost.")
	b.sees("#lost", "Trying again in")
	b.picture("lost")
	if !eval[bool](b, `return document.querySelector("#main").checkVisibility()`) {
		t.Error("the last figures are gone")
	}
	eval[any](b, `document.getElementById("reload").click()`)
	b.sees("#result", "the host does not answer")
	p.up()
	eval[any](b, `document.getElementById("retry").click()`)
	b.sees("#state", "Live")
	p.down()
	b.sees("#state", "Not connected")
	p.up()
	b.sees("#state", "Live")
	if eval[bool](b, `return document.querySelector("#lost").checkVisibility()`) {
		t.Error("it still says that the connection is lost")
	}
}
