package generation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/exchange"
	"github.com/wasmlane/wasmlane/host/internal/route"
)

// Route is one [[route]] at work.
type Route struct {
	Config  *config.Route
	plugin  *Plugin // nil for a builtin
	builtin Builtin
	timeout time.Duration // 0: none
	maxBody int64
	rules   *rules // nil: none
	err     error  // why it answers 503
	count   exchange.RequestCounter
}

// Err returns why the route cannot serve, or nil.
func (r *Route) Err() error { return r.err }

// name says who answers.
func (r *Route) name(x *exchange.Exchange) {
	if r.builtin != nil {
		x.Handler = "@" + r.Config.Builtin
	} else {
		x.Plugin, x.Handler = r.plugin.view, r.Config.Export
	}
}

// Routes returns the routes in the order of the file.
func (g *Generation) Routes() []*Route { return g.routes }

// resolveRoutes fills the route table. A pattern that is none and a conflict are
// errors of the configuration; a handler that is missing concerns its route
// only.
func (g *Generation) resolveRoutes(problems *Problems) {
	for _, c := range g.Config.Routes {
		r := &Route{Config: c}
		pattern, err := route.ParsePattern(c.Path)
		if err != nil {
			problems.Config = append(problems.Config, g.Config.Error(c.Lines.Of("path"), "route.path", "%v", err))
			continue
		}
		if err := g.bind(r); err != nil {
			r.err = err
			problems.Plugins = append(problems.Plugins, err)
		}
		if r.plugin != nil && r.plugin.err != nil {
			r.err = r.plugin.err // reported with the plugin
		}
		if err := g.table.Add(c.Methods, pattern, r); err != nil {
			problems.Config = append(problems.Config, g.conflict(c, err))
			continue
		}
		r.count = g.counters.Route(c)
		r.rules = g.builder.newRules(c)
		g.cors = g.cors || r.rules != nil && r.rules.cors != nil
		r.maxBody = g.Config.Server.MaxBody
		if c.MaxBody > 0 {
			r.maxBody = c.MaxBody
		}
		g.routes = append(g.routes, r)
	}
}

// bind finds what the route's handler names.
func (g *Generation) bind(r *Route) error {
	c := r.Config
	if c.Builtin != "" {
		if r.builtin = g.builder.Builtins[c.Builtin]; r.builtin == nil {
			return g.Config.Error(c.Lines.Of("handler"), "route.handler", "@%s is not available here", c.Builtin)
		}
		return nil
	}
	p := g.plugins[c.Plugin]
	if p == nil {
		// The plugin directory could not be read. That was reported, and with it the
		// generation never serves.
		return nil
	}
	r.plugin = p
	r.timeout = p.Settings.Timeout
	switch {
	case c.NoLimit:
		r.timeout = 0
	case c.Timeout > 0:
		r.timeout = c.Timeout
	}
	if why := p.Lacks(c.Export); why != "" {
		return g.Config.Error(c.Lines.Of("handler"), "route.handler", "%s", why)
	}
	return nil
}

// Lacks says why a plugin has no such handler, and which ones it has. It is empty
// when the plugin has it, or did not load.
func (p *Plugin) Lacks(export string) string {
	info := p.Info()
	switch {
	case info == nil, slices.Contains(info.Handlers, export):
		return ""
	case export == config.CGI && info.Command:
		return ""
	case export == config.CGI:
		return fmt.Sprintf("%s is no WASI command, it exports no _start; write %s", p.file, handlerToWrite(p))
	case info.Command && !info.HasInitialize:
		return fmt.Sprintf("%s is a WASI command and exports no handler; write %q, which runs it from start to end for each request", p.file, p.Name+"."+config.CGI)
	}
	for _, bad := range info.BadHandlers {
		if bad.Name == export {
			return fmt.Sprintf("%s exports %q as %s; a handler takes and returns nothing", p.file, export, bad.Signature)
		}
	}
	text := fmt.Sprintf("%s has no handler %q; %s", p.file, export, handlerNames(info))
	if near := config.Nearest(export, info.Handlers); near != "" {
		text += fmt.Sprintf("; did you mean %q?", p.Name+"."+near)
	}
	return text
}

// handlerToWrite names the handlers that a route may have.
func handlerToWrite(p *Plugin) string {
	handlers := p.Info().Handlers
	if len(handlers) == 0 {
		return fmt.Sprintf(`"%s.EXPORT" once it exports one`, p.Name)
	}
	var names []string
	for _, h := range handlers {
		names = append(names, strconv.Quote(p.Name+"."+h))
	}
	return strings.Join(names, " or ")
}

// conflict names the lines of both routes that cannot be told apart.
func (g *Generation) conflict(c *config.Route, err error) config.Error {
	var conflict *route.Conflict[*Route]
	if !errors.As(err, &conflict) {
		return g.Config.Error(c.Lines.Header, "route.path", "%v", err)
	}
	other := conflict.Other.Config
	return g.Config.Error(c.Lines.Header, "route", "%s %q is the same as %s %q at line %d; remove one, or give them different methods",
		methods(c), c.Path, methods(other), other.Path, other.Lines.Header)
}

func methods(c *config.Route) string {
	if len(c.Methods) == 0 {
		return "any method"
	}
	return strings.Join(c.Methods, " ")
}
