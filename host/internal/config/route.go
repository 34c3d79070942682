package config

import (
	"slices"
	"strings"
	"time"
)

func (c *Config) readRoutes(v any, at place) {
	all, ok := tables(v)
	if one, isTable := v.(map[string]any); isTable {
		at.fail("write [[route]], with double brackets: one such section for each route")
		c.readRoute(one, at)
		return
	}
	if none, isList := v.([]any); !ok && !(isList && len(none) == 0) {
		at.fail("expected sections, got %s; write [[route]] and its keys below, for each route", kind(v))
		return
	}
	for i, values := range all {
		c.readRoute(values, at.elem(i))
	}
}

func (c *Config) readRoute(values map[string]any, at place) {
	r := &Route{Lines: at.node.lines()}
	// The handler comes first: the built-in ones take nothing from [traffic], so
	// that no rule for plugins refuses a health check.
	if s, _ := values["handler"].(string); !strings.HasPrefix(s, "@") {
		r.Traffic = c.Traffic.clone()
	} else {
		r.Traffic = Defaults().Traffic
	}
	table(values, at, "[[route]]", r.keys())
	method, path, handler, timeout := at.in("method"), at.in("path"), at.in("handler"), at.in("timeout")
	if !path.own {
		path.fail(`missing; write path = "/…"`)
	}
	if !handler.own {
		handler.fail(`missing; write handler = "PLUGIN.EXPORT", such as "user.get_user"`)
	}
	if r.Builtin != "" && timeout.set() {
		timeout.fail("has no effect on a built-in handler; remove it")
	}
	if body := at.in("max_body"); r.Builtin != "" && body.set() {
		body.fail("has no effect on a built-in handler; remove it")
	}
	r.Traffic.check(at, true)
	if path.set() && handler.set() && !method.broken() {
		c.Routes = append(c.Routes, r)
	}
}

// methods are all that a route may name.
func methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}

// readMethods reads one method or a list of them.
func (r *Route) readMethods(v any, at place) {
	if s, ok := v.(string); ok {
		if checkMethod(s, at) {
			r.Methods = []string{s}
		}
		return
	}
	all, ok := v.([]any)
	switch {
	case !ok:
		at.fail(`expected text or a list, got %s; write "GET" or ["GET", "PUT"]`, kind(v))
		return
	case len(all) == 0:
		at.fail("empty; name a method, or leave the key out for any method")
		return
	}
	for _, v := range all {
		s, ok := v.(string)
		switch {
		case !ok:
			at.fail(`expected a list of texts, got %s in it; write ["GET", "PUT"]`, kind(v))
		case !checkMethod(s, at):
		case slices.Contains(r.Methods, s):
			at.fail("%q is listed twice; remove one", s)
		default:
			r.Methods = append(r.Methods, s)
		}
	}
}

func checkMethod(s string, at place) bool {
	upper := strings.ToUpper(s)
	switch {
	case slices.Contains(methods(), s):
		return true
	case slices.Contains(methods(), upper):
		at.fail("%q is no method; write %q", s, upper)
	case upper == "" || upper == "*" || upper == "ANY" || upper == "ALL":
		at.fail("%q is no method; leave the key out for any method", s)
	case strings.ContainsAny(s, ",| "):
		at.fail(`%s is no method; write several as a list, ["GET", "PUT"]`, show(s))
	case Nearest(s, methods()) != "":
		at.fail("%s is no method; did you mean %q?", show(s), Nearest(s, methods()))
	default:
		at.fail("%s cannot be routed; the methods are %s", show(s), strings.Join(methods(), " "))
	}
	return false
}

// readPath reads the pattern; package route knows what is in it.
func (r *Route) readPath(v any, at place) {
	s, ok := v.(string)
	method, rest, _ := strings.Cut(s, " ")
	switch {
	case !ok:
		at.fail(`expected text, got %s; write "/users/{id}"`, kind(v))
	case s == "":
		at.fail(`empty; write "/" or a longer path`)
	case slices.Contains(methods(), strings.ToUpper(method)):
		at.fail("%s holds a method; write method = %q and path = %q", show(s), strings.ToUpper(method), strings.TrimSpace(rest))
	case strings.Contains(s, "://"):
		at.fail(`%s is a URL; write only its path, such as "/users/{id}"`, show(s))
	case s[0] != '/':
		at.fail("%s does not begin with a slash; write %s", show(s), show("/"+s))
	default:
		parseInto(&r.Path, s, func(s string) (string, error) { return s, nil }, at)
	}
}

func (r *Route) readHandler(v any, at place) {
	s, ok := v.(string)
	switch {
	case !ok:
		at.fail(`expected text, got %s; write "PLUGIN.EXPORT", such as "user.get_user"`, kind(v))
		return
	case s == "":
		at.fail(`empty; write "PLUGIN.EXPORT", such as "user.get_user"`)
		return
	}
	var err error
	if r.Plugin, r.Export, r.Builtin, err = parseHandler(s); err != nil {
		at.fail("%v", err)
	}
}

func (r *Route) readTimeout(v any, at place) {
	switch v {
	case "off":
		r.NoLimit = true
		return
	case "0", "0s", "none", "never", "unlimited", false, int64(0):
		at.fail(`a deadline cannot be switched off like this; write "off", or %q to %q`, formatDuration(shortest), formatDuration(longest))
		return
	}
	var d time.Duration
	if duration(&d, shortest, longest)(v, at); d > 0 {
		r.Timeout = d
	}
}
