package host

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/kv"
)

// Invocation is one request for one handler, without a server.
type Invocation struct {
	Handler string // "PLUGIN.EXPORT" or "PLUGIN.@cgi"
	Method  string // "" means GET, or POST with a body
	Path    string // path and query
	Params  map[string]string
	Headers []string // "Name: value"
	Body    []byte
}

// Answer is a handler's response.
type Answer struct {
	Status  int
	Headers []string // "Name: value", in the order they would be sent
	Body    []byte
}

// Invoke runs one handler of a host that does not listen. The store is the one
// of host.toml when real is true; otherwise an empty one that is thrown away, so
// that trying a handler leaves nothing behind. Calls to services of this host
// work as they do when it serves.
func Invoke(file string, i Invocation, real bool, o Options) (*Answer, error) {
	cfg, problems := config.Load(file)
	if len(problems) > 0 {
		return nil, problems
	}
	name, export, _ := strings.Cut(i.Handler, ".")
	h, err := open(cfg, o, true)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store = share(kv.NewMemory(), config.Store{})
	if real {
		opened, err := h.openStore(cfg)
		if err != nil {
			return nil, storeError(cfg, err)
		}
		h.store.release(h.log)
		h.store = opened
	}
	g, found := h.build(cfg, h.store, nil, nil)
	defer g.Release()
	if len(found.Config) > 0 {
		return nil, found.Config
	}
	p, err := pick(g, name, export)
	if err != nil {
		return nil, err
	}
	return h.invoke(g, p, export, &i)
}

// pick finds the plugin and makes sure that it has the handler.
func pick(g *generation.Generation, name, export string) (*generation.Plugin, error) {
	plugins := g.Plugins()
	index := slices.IndexFunc(plugins, func(p *generation.Plugin) bool { return p.Name == name })
	if index < 0 {
		var names []string
		for _, p := range plugins {
			names = append(names, p.Name)
		}
		return nil, fmt.Errorf("no plugin %q in %s; there are: %s", name, g.Config.PluginDir, strings.Join(names, ", "))
	}
	p := plugins[index]
	if p.Err() != nil {
		return nil, p.Err()
	}
	if why := p.Lacks(export); why != "" {
		return nil, errors.New(why)
	}
	return p, nil
}

func (h *Host) invoke(g *generation.Generation, p *generation.Plugin, export string, i *Invocation) (*Answer, error) {
	var ctx fasthttp.RequestCtx
	x := exchange.Acquire()
	defer x.Release()
	head, err := i.text()
	if err != nil {
		return nil, err
	}
	if err := x.BeginText(&ctx.Response, head, i.Body); err != nil {
		return nil, fmt.Errorf("the request: %w", err)
	}
	x.StartTrace(nil)
	x.Params = namedParams(i.Params)
	x.Route = "(invoked)"
	g.Run(x, p, export)
	return answerOf(&ctx.Response), nil
}

// errLineBreak is about a part of an Invocation that would begin another.
var errLineBreak = errors.New("the request: a line break in the method, the path or a header")

// text is the request's head as it would stand on the wire.
func (i *Invocation) text() ([]byte, error) {
	for _, part := range append([]string{i.Method, i.Path}, i.Headers...) {
		if strings.ContainsAny(part, "\r\n") {
			return nil, errLineBreak
		}
	}
	method := i.Method
	if method == "" {
		method = "GET"
		if len(i.Body) > 0 {
			method = "POST"
		}
	}
	path := i.Path
	if path == "" {
		path = "/"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\n", method, path)
	for _, line := range i.Headers {
		fmt.Fprintf(&b, "%s\n", line)
	}
	if !slices.ContainsFunc(i.Headers, func(l string) bool { return strings.HasPrefix(strings.ToLower(l), "host:") }) {
		b.WriteString("Host: localhost\n")
	}
	return b.Bytes(), nil
}

func answerOf(resp *fasthttp.Response) *Answer {
	a := &Answer{Status: resp.StatusCode(), Body: resp.Body()}
	for name, value := range resp.Header.All() {
		// Without a server nothing is framed.
		if n := string(name); n != "Content-Length" && n != "Date" {
			a.Headers = append(a.Headers, n+": "+string(value))
		}
	}
	return a
}

// namedParams are route parameters given by name. They implement
// exchange.Params.
type namedParams map[string]string

// Get returns the value of a name.
func (p namedParams) Get(name []byte) ([]byte, bool) {
	v, ok := p[string(name)]
	return []byte(v), ok
}

// Len returns how many there are.
func (p namedParams) Len() int { return len(p) }

// Name returns a name, in their order.
func (p namedParams) Name(i int) string { return slices.Sorted(maps.Keys(p))[i] }

// Value returns the value of that name.
func (p namedParams) Value(i int) []byte { return []byte(p[p.Name(i)]) }

// errNoHandler is what a malformed PLUGIN.HANDLER gets.
var errNoHandler = errors.New(`a handler is written PLUGIN.EXPORT, like "user.get_user"`)

// ParseHandler checks the form of a handler's name.
func ParseHandler(s string) error {
	plugin, export, ok := strings.Cut(s, ".")
	if !ok || plugin == "" || export == "" || strings.Contains(export, ".") {
		return errNoHandler
	}
	return nil
}

// CheckPluginName reports what is wrong with the name of a plugin, which is
// [a-z][a-z0-9_-]*.
func CheckPluginName(name string) error { return config.CheckPluginName(name) }
