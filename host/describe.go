package host

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/generation"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
)

// PluginStatus is what a host says of one of its plugins.
type PluginStatus struct {
	Name      string   `json:"name"`
	Error     string   `json:"error,omitempty"` // why it did not load
	SHA256    string   `json:"sha256,omitempty"`
	Size      int      `json:"size_bytes,omitempty"`
	Language  string   `json:"language,omitempty"`
	Handlers  []string `json:"handlers,omitempty"`
	Command   bool     `json:"command,omitempty"` // a WASI command, for "PLUGIN.@cgi"
	Routes    []string `json:"routes"`
	Isolation string   `json:"isolation"`
	NoReset   string   `json:"no_reset,omitempty"` // why each request gets a new instance
	Grants    Grants   `json:"grants"`
	Memory    int64    `json:"memory_limit_bytes"`
	Instances Pool     `json:"instances"`
}

// Grants is what host.toml lets a plugin do.
type Grants struct {
	Store     string   `json:"store,omitempty"`
	Calls     []string `json:"calls,omitempty"`
	Outbound  []string `json:"outbound,omitempty"`
	Redirects int      `json:"redirects,omitempty"` // followed, of one outbound call
}

// Pool is the state of a plugin's instances.
type Pool struct {
	Limit     int    `json:"limit"`
	InUse     int    `json:"in_use"`
	Idle      int    `json:"idle"`
	Waiting   int    `json:"waiting"`
	Created   uint64 `json:"created"`
	Discarded uint64 `json:"discarded"`
}

// Plugins describes the plugins of the current generation, sorted by name.
func (h *Host) Plugins() []PluginStatus {
	list := []PluginStatus{}
	g := h.current.Acquire()
	if g == nil {
		return list
	}
	defer g.Release()
	routes := routesOf(g)
	for _, p := range g.Plugins() {
		list = append(list, statusOf(p, routes[p.Name]))
	}
	return list
}

// routesOf returns the routes of each plugin, for people to read.
func routesOf(g *generation.Generation) map[string][]string {
	routes := map[string][]string{}
	for _, r := range g.Routes() {
		if r.Config.Plugin != "" {
			routes[r.Config.Plugin] = append(routes[r.Config.Plugin], routeOf(r).String())
		}
	}
	return routes
}

func statusOf(p *generation.Plugin, routes []string) PluginStatus {
	c := p.Settings
	s := PluginStatus{
		Name:      p.Name,
		SHA256:    p.Hash(),
		Routes:    append([]string{}, routes...),
		Isolation: string(c.Isolation),
		Grants:    Grants{c.Store, c.Calls, c.Outbound, c.Redirects},
		Memory:    c.Memory,
	}
	if err := p.Err(); err != nil {
		s.Error = err.Error()
	}
	if info := p.Info(); info != nil {
		s.Size, s.Language, s.Handlers = info.Size, info.Language, info.Handlers
		s.Command, s.NoReset = info.Command, info.NoReset
		if info.Command {
			s.Isolation = string(config.IsolationRequest) // whatever [defaults] says
		}
	}
	stats := p.Stats()
	s.Instances = Pool{stats.Limit, stats.InUse, stats.Idle, stats.Waiting, uint64(stats.Created), uint64(stats.Discarded)}
	return s
}

// RouteStatus is one route of the current generation.
type RouteStatus struct {
	Methods []string `json:"methods"` // empty: any
	Path    string   `json:"path"`
	Handler string   `json:"handler"`         // "PLUGIN.EXPORT" or "@NAME"
	Error   string   `json:"error,omitempty"` // why it answers 503
}

// String returns "GET /users/{id} -> user.get_user".
func (r RouteStatus) String() string {
	methods := "*"
	if len(r.Methods) > 0 {
		methods = strings.Join(r.Methods, ",")
	}
	return methods + " " + r.Path + " -> " + r.Handler
}

// Routes returns the routes of the current generation, in the file's order.
func (h *Host) Routes() []RouteStatus {
	g := h.current.Acquire()
	if g == nil {
		return nil
	}
	defer g.Release()
	var list []RouteStatus
	for _, r := range g.Routes() {
		list = append(list, routeOf(r))
	}
	return list
}

func routeOf(r *generation.Route) RouteStatus {
	s := RouteStatus{Methods: append([]string{}, r.Config.Methods...), Path: r.Config.Path, Handler: "@" + r.Config.Builtin}
	if r.Config.Plugin != "" {
		s.Handler = r.Config.Plugin + "." + r.Config.Export
	}
	if err := r.Err(); err != nil {
		s.Error = err.Error()
	}
	return s
}

// Module is what a .wasm file says of itself.
type Module struct {
	Size        int            `json:"size_bytes"`
	SHA256      string         `json:"sha256"`
	Language    string         `json:"language,omitempty"` // as its producers section tells; "" when it does not
	Producers   string         `json:"producers,omitempty"`
	Handlers    []string       `json:"handlers"`
	NotHandlers []string       `json:"not_handlers,omitempty"` // exports with a handler's name and another type
	Command     bool           `json:"command,omitempty"`      // a WASI command, for "PLUGIN.@cgi"
	Imports     []ModuleImport `json:"imports"`
	MemoryMin   uint64         `json:"memory_min_bytes"`
	MemoryMax   uint64         `json:"memory_max_bytes,omitempty"` // 0 when not declared
	Initialize  bool           `json:"initialize"`                 // exports _initialize
	Init        bool           `json:"init"`                       // exports wasmlane_init
	NoReset     string         `json:"no_reset,omitempty"`         // why each request would cost a new instance
	Refused     string         `json:"refused,omitempty"`          // why no host would load it
}

// ModuleImport is one function a module imports.
type ModuleImport struct {
	Module  string `json:"module"`
	Name    string `json:"name"`
	Grant   string `json:"grant,omitempty"`   // the line of host.toml it needs, or ""
	Unknown bool   `json:"unknown,omitempty"` // this host does not have it, and would not load the module
}

// Inspect reads a .wasm file and says what a host would make of it. It compiles
// nothing: a module that it describes may still be refused, but what is no module
// is an error that says why.
func Inspect(file string) (*Module, error) {
	wasm, err := os.ReadFile(file)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, &FileError{file, err}
	}
	info, err := sandbox.Inspect(context.Background(), wasm, generation.Imports())
	if err != nil {
		return nil, &FileError{file, err}
	}
	m := &Module{
		Size: info.Size, SHA256: info.SHA256, Language: info.Language, Producers: info.Producers,
		Handlers: append([]string{}, info.Handlers...), Imports: []ModuleImport{},
		MemoryMin: info.MemoryMin, MemoryMax: info.MemoryMax,
		Command: info.Command, Initialize: info.HasInitialize, Init: info.HasInit, NoReset: info.NoReset,
	}
	if info.Refused != nil {
		m.Refused = info.Refused.Error()
	}
	for _, bad := range info.BadHandlers {
		m.NotHandlers = append(m.NotHandlers, bad.Name+" "+bad.Signature)
	}
	known := map[string]bool{}
	for _, i := range generation.Imports() {
		known[i.Module+"."+i.Name] = true
	}
	for _, i := range info.Imports {
		f, _ := abi.Lookup(i.Name)
		grant := ""
		if i.Module == abi.Module {
			grant = f.Group.Grant()
		}
		m.Imports = append(m.Imports, ModuleImport{i.Module, i.Name, grant, !known[i.Module+"."+i.Name]})
	}
	return m, nil
}

// FileError is an error about a file.
type FileError struct {
	File string
	Err  error
}

// Error returns "plugins/user.wasm: reason".
func (e *FileError) Error() string { return e.File + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }
