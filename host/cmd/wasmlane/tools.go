package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/wasmlane/wasmlane/host"
)

func runCheck(i *invocation) int {
	file := i.configFlag()
	if _, code, ok := i.parse(0, 0); !ok {
		return code
	}
	var log bytes.Buffer // what the plugins say while they initialise
	o := i.options()
	o.Log = &log
	if err := host.Check(*file, o); err != nil {
		return i.failed(err)
	}
	fmt.Fprintf(i.stdout, "%s: ok\n", *file)
	return exitOK
}

func runInspect(i *invocation) int {
	asJSON := i.flags.Bool("json", false, "print JSON")
	rest, code, ok := i.parse(1, 1)
	if !ok {
		return code
	}
	m, err := host.Inspect(rest[0])
	if err != nil {
		return i.failed(err)
	}
	if *asJSON {
		e := json.NewEncoder(i.stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(m); err != nil {
			return i.failed(err)
		}
	} else {
		describe(i.stdout, rest[0], m)
	}
	code = exitOK
	for _, f := range m.Imports {
		if f.Unknown {
			code = i.failed(fmt.Errorf("%s: this host has no function %s.%s and would not load the module", rest[0], f.Module, f.Name))
		}
	}
	if code == exitOK && m.Refused != "" {
		code = i.failed(fmt.Errorf("%s: this host would not load it: %s", rest[0], m.Refused))
	}
	return code
}

func describe(w io.Writer, file string, m *host.Module) {
	fmt.Fprintf(w, "%s\n  size      %d bytes\n  sha256    %s\n", file, m.Size, m.SHA256)
	if m.Language != "" {
		fmt.Fprintf(w, "  language  %s\n", m.Language)
	}
	limit := "no maximum declared"
	if m.MemoryMax > 0 {
		limit = fmt.Sprintf("at most %d KiB", m.MemoryMax>>10)
	}
	fmt.Fprintf(w, "  memory    %d KiB at start, %s\n", m.MemoryMin>>10, limit)
	fmt.Fprintf(w, "  init      %s\n", initialisers(m))
	reset := "to pristine memory after each request"
	if m.NoReset != "" {
		reset = "none, each request costs a new instance: " + m.NoReset
	}
	fmt.Fprintf(w, "  reset     %s\n", reset)
	if m.Command {
		fmt.Fprintln(w, `  WASI command: mount it with handler = "NAME.@cgi"`)
	}
	if !m.Command || len(m.Handlers) > 0 {
		list(w, "handlers", m.Handlers)
	}
	if len(m.NotHandlers) > 0 {
		list(w, "no handlers, for their type", m.NotHandlers)
	}
	var names, grants []string
	for _, f := range m.Imports {
		// Compilers import some functions several times.
		if name := f.Module + "." + f.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
		if f.Grant != "" && !slices.Contains(grants, f.Grant) {
			grants = append(grants, f.Grant)
		}
	}
	list(w, "imports", names)
	if len(grants) > 0 {
		list(w, "grants needed in [plugin.NAME]", grants)
	}
}

func initialisers(m *host.Module) string {
	var names []string
	if m.Initialize {
		names = append(names, "_initialize")
	}
	if m.Init {
		names = append(names, "wasmlane_init")
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func list(w io.Writer, title string, items []string) {
	if len(items) == 0 {
		fmt.Fprintf(w, "  %s: none\n", title)
		return
	}
	fmt.Fprintf(w, "  %s:\n", title)
	for _, item := range items {
		fmt.Fprintf(w, "    %s\n", item)
	}
}

// repeated collects a flag that may be given several times.
type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, ", ") }
func (r *repeated) Set(s string) error { *r = append(*r, s); return nil }

func runInvoke(i *invocation) int {
	file := i.configFlag()
	var headers, params repeated
	method := i.flags.String("X", "", "the `method`; GET, or POST when there is a body")
	body := i.flags.String("d", "", "the `body`; @FILE reads a file, @- standard input")
	real := i.flags.Bool("store", false, "use the store of host.toml instead of an empty one that is thrown away")
	i.flags.Var(&headers, "H", "a `header`, \"Name: value\"; may be repeated")
	i.flags.Var(&params, "param", "a route parameter, `name=value`; may be repeated")
	rest, code, ok := i.parse(1, 2)
	if !ok {
		return code
	}
	err := host.ParseHandler(rest[0])
	if err != nil {
		return i.misused(err.Error())
	}
	call := host.Invocation{Handler: rest[0], Method: *method, Headers: headers, Params: map[string]string{}}
	if len(rest) > 1 {
		call.Path = rest[1]
	}
	for _, p := range params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return i.misused(fmt.Sprintf("-param %q: write name=value", p))
		}
		call.Params[name] = value
	}
	for _, h := range headers {
		if !strings.Contains(h, ":") {
			return i.misused(fmt.Sprintf("-H %q: write \"Name: value\"", h))
		}
	}
	if call.Body, err = i.body(*body); err != nil {
		return i.failed(fmt.Errorf("-d %s: %w", *body, plain(err)))
	}
	answer, err := host.Invoke(*file, call, *real, i.options())
	if err != nil {
		return i.failed(err)
	}
	fmt.Fprintf(i.stdout, "HTTP %d\n", answer.Status)
	for _, h := range answer.Headers {
		fmt.Fprintln(i.stdout, h)
	}
	fmt.Fprintf(i.stdout, "\n%s", answer.Body)
	if n := len(answer.Body); n > 0 && answer.Body[n-1] != '\n' {
		fmt.Fprintln(i.stdout)
	}
	if answer.Status >= 500 {
		return exitFailed
	}
	return exitOK
}

// plain drops the path from a file error; the message has it already.
func plain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// body reads what -d gives, in curl's way of saying it.
func (i *invocation) body(arg string) ([]byte, error) {
	switch {
	case arg == "@-":
		return io.ReadAll(i.stdin)
	case strings.HasPrefix(arg, "@"):
		return os.ReadFile(arg[1:])
	}
	return []byte(arg), nil
}
