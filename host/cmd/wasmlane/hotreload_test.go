//go:build unix

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Files that change under a running host: the good ones go live, the bad ones are
// reported and change nothing.

const greetRoute = `
[[route]]
path = "/greet"
handler = "greet.say"
`

// greeting starts a host with one plugin, which answers GET /greet.
func greeting(t *testing.T) (*site, *process) {
	t.Helper()
	s := emptySite(t)
	s.write("plugins/greet.wasm", says("one"))
	s.write("host.toml", smallConfig(t, greetRoute))
	p := s.start()
	p.serves("/greet", "one")
	return s, p
}

// serves waits until the path is answered with the body.
func (p *process) serves(path, body string) {
	p.t.Helper()
	p.wait("GET "+path+" giving "+body, func() bool {
		r := p.get(path)
		return r.status == 200 && r.body == body
	})
}

func TestNewPluginsAndRoutesGoLive(t *testing.T) {
	t.Parallel()
	s, p := greeting(t)

	s.write("plugins/late.wasm", says("late"))
	s.edit(greetRoute, greetRoute+"[[route]]\npath = \"/late\"\nhandler = \"late.say\"\n")
	p.serves("/late", "late")
	p.serves("/greet", "one")

	s.write("plugins/late.wasm", says("later"))
	p.serves("/late", "later")

	s.edit(`"/late"`, `"/latest"`)
	p.serves("/latest", "later")
	p.get("/late").refused(404, "no such route")

	// In place, as cp and some editors do it.
	s.overwrite("plugins/late.wasm", says("last"))
	p.serves("/latest", "last")

	// Nothing of this concerned the plugin greet.
	if n := strings.Count(p.stderr.String(), `msg="plugin loaded" plugin=greet`); n != 1 {
		t.Errorf("the plugin greet was loaded %d times", n)
	}
	if n := strings.Count(p.stderr.String(), `msg="plugin loaded" plugin=late`); n < 3 {
		t.Errorf("the plugin late was loaded %d times, want each of its 3 versions", n)
	}
	// A plugin and its route that go together are no error.
	s.edit("[[route]]\npath = \"/latest\"\nhandler = \"late.say\"\n", "")
	p.wait("the route to go", func() bool { return p.get("/latest").status == 404 })
	s.remove("plugins/late.wasm")
	p.expectLog(`changed="plugin late removed"`)
	p.serves("/greet", "one")
}

func TestBrokenFilesChangeNothing(t *testing.T) {
	t.Parallel()
	s, p := greeting(t)
	good := read(t, s.path("host.toml"))
	wasm := says("never")
	large := func() {
		s.overwrite("plugins/greet.wasm", wasm)
		if err := os.Truncate(s.path("plugins/greet.wasm"), 100<<20); err != nil {
			t.Fatal(err)
		}
	}
	config := func(text string) func() { return func() { s.write("host.toml", text) } }
	module := func(text string) func() { return func() { s.overwrite("plugins/greet.wasm", text) } }
	line := func(of string) string { // where it stands, as messages have it
		before, _, _ := strings.Cut(good, of)
		return fmt.Sprintf("host.toml:%d: ", strings.Count(before, "\n")+1)
	}
	last := "one"
	for _, c := range []struct {
		name string
		do   func()
		want []string // in the log, in this order
	}{
		{"half a module", module(wasm[:len(wasm)/2]), []string{"plugins/greet.wasm: "}},
		{"garbage", module("\x7fELF is no module"), []string{"plugins/greet.wasm: "}},
		{"text", module("<html>404 not found</html>"), []string{"plugins/greet.wasm: "}},
		{"an empty module", module(""), []string{"plugins/greet.wasm: "}},
		{"100 MiB", large, []string{"plugins/greet.wasm: ", "max_module"}},
		{"another handler", module(strings.Replace(wasm, "say", "sax", 1)),
			[]string{line(`handler =`) + "route.handler: ", "greet.sax"}},
		{"a grant missing", module(counts("x")), []string{"plugins/greet.wasm imports kv_delete, call_close, which is not granted; add [plugin.greet] with store = "}},
		{"no plugin", func() { s.remove("plugins/greet.wasm") },
			[]string{line(`handler =`) + "route.handler: ", "plugins/greet.wasm"}},
		{"broken TOML", config(good + "= 1\n"), []string{"host.toml:"}},
		{"an unknown key", config(strings.Replace(good, "backend", "bakend", 1)),
			[]string{line("backend") + "store.bakend: unknown key"}},
		{"the same route twice", config(good + greetRoute), []string{"host.toml:", ": route: any method"}},
		{"no host.toml", func() { s.remove("host.toml") }, []string{"host.toml: no such file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t, p.t = t, t
			p.skipLog()
			c.do()
			p.expectLog(`level=ERROR msg="reload failed; nothing was changed"`)
			for _, want := range c.want {
				p.expectLog(want)
			}
			p.serves("/greet", last)

			last = "after " + c.name
			s.write("plugins/greet.wasm", says(last))
			s.write("host.toml", good)
			p.serves("/greet", last)
		})
	}
}

// A file may be cut anywhere while it is being written.
func TestModuleCutAtEverySection(t *testing.T) {
	t.Parallel()
	s, p := greeting(t)
	wasm := says("never")
	starts := sections(t, wasm)
	for _, start := range starts {
		for _, cut := range []int{start, start + 1, start + 2, start + 3} {
			if cut == starts[len(starts)-1] {
				continue // without its data it is a module all the same
			}
			s.write("plugins/greet.wasm", wasm[:cut])
			r := p.operate("POST", "/reload").want(422)
			if !strings.Contains(r.body, "greet") {
				t.Errorf("cut after %d bytes: %s", cut, r.body)
			}
			p.serves("/greet", "one")
		}
	}
	s.write("plugins/greet.wasm", wasm)
	p.serves("/greet", "never")
}

// sections returns where the sections of a small module begin.
func sections(t *testing.T, wasm string) (starts []int) {
	t.Helper()
	for i := 8; i < len(wasm); i += 2 + int(wasm[i+1]) {
		if wasm[i+1] >= 0x80 {
			t.Fatal("a section of more than 127 bytes")
		}
		starts = append(starts, i)
	}
	return starts
}

func TestReloadByHand(t *testing.T) {
	t.Parallel()
	s, p := greeting(t)
	r := p.operate("POST", "/reload").want(200)
	if !strings.Contains(r.body, `"generation": 2`) {
		t.Errorf("the answer is %s, want generation 2", r.body)
	}
	p.operate("GET", "/reload").want(405)
	s.write("host.toml", "[server]\nlissten = 1\nmax_body = -1\n")
	var failed struct{ Errors []string }
	p.operate("POST", "/reload").want(422).decode(&failed)
	if len(failed.Errors) < 2 || !strings.Contains(failed.Errors[0], "host.toml:2: server.lissten: ") ||
		!strings.Contains(failed.Errors[1], "host.toml:3: server.max_body: ") {
		t.Errorf("the errors are %q", failed.Errors)
	}
	var plugins []struct {
		Name   string
		SHA256 string
		Routes []string
	}
	p.operate("GET", "/plugins").want(200).decode(&plugins)
	if len(plugins) != 1 || plugins[0].Name != "greet" || len(plugins[0].SHA256) != 64 || len(plugins[0].Routes) != 1 {
		t.Errorf("the plugins are %+v", plugins)
	}
}
