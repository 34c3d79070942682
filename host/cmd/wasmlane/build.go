package main

import (
	"context"
	"fmt"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/wasmlane/wasmlane/host"
	"github.com/wasmlane/wasmlane/sdk/toolchain"
)

func runBuild(i *invocation) int {
	out := i.flags.String("o", "", "the `file` to write, or the directory for NAME.wasm; DIR when it is left out")
	lang := i.flags.String("lang", "", "the `language`, where DIR does not tell: "+flagsOf(toolchain.Languages()))
	rest, code, ok := i.parse(0, 1)
	if !ok {
		return code
	}
	job := toolchain.Job{Dir: ".", Out: *out, Stdout: i.stdout, Stderr: i.stderr}
	if len(rest) > 0 {
		job.Dir = rest[0]
	}
	if *lang != "" {
		l, err := toolchain.ParseLanguage(*lang)
		if err != nil {
			return i.misused("-lang: " + err.Error())
		}
		job.Language = l
	}
	// The compiler is stopped and its files are removed before this program ends.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	built, err := job.Build(ctx)
	if err != nil {
		return i.failed(err)
	}
	m, err := host.Inspect(built.File)
	if err != nil {
		return i.failed(err)
	}
	fmt.Fprintf(i.stdout, "%s: %s, %d bytes\n", built.File, built.Language, m.Size)
	if len(m.Handlers) > 0 {
		fmt.Fprintf(i.stdout, "  handlers: %s\n", strings.Join(m.Handlers, ", "))
	}
	name := strings.TrimSuffix(filepath.Base(built.File), ".wasm")
	if grants := grantsOf(m); len(grants) > 0 {
		fmt.Fprintf(i.stdout, "  needs in host.toml:\n    [plugin.%s]\n", name)
		for _, grant := range grants {
			fmt.Fprintf(i.stdout, "    %s\n", strings.ReplaceAll(grant, "NAME", name))
		}
	}
	for _, warning := range warnings(built.File, m) {
		fmt.Fprintf(i.stderr, "wasmlane: warning: %s: %s\n", built.File, warning)
	}
	return exitOK
}

// flagsOf returns what -lang takes.
func flagsOf(languages []toolchain.Language) string {
	var flags []string
	for _, l := range languages {
		flags = append(flags, l.Flag())
	}
	return strings.Join(flags, ", ")
}

// grantsOf returns the lines of [plugin.NAME] without which a module is refused.
func grantsOf(m *host.Module) (grants []string) {
	for _, f := range m.Imports {
		if f.Grant != "" && !slices.Contains(grants, f.Grant) {
			grants = append(grants, f.Grant)
		}
	}
	return grants
}

// warnings says why a host would not load a module, or not run it.
func warnings(file string, m *host.Module) (list []string) {
	name, isModule := strings.CutSuffix(filepath.Base(file), ".wasm")
	if !isModule {
		list = append(list, "a host takes up files that end in .wasm only")
	} else if err := host.CheckPluginName(name); err != nil {
		list = append(list, err.Error()+"; the file's name is the plugin's")
	}
	if m.Refused != "" {
		list = append(list, "this host would not load it: "+m.Refused)
	}
	if len(m.Handlers) == 0 && !m.Command {
		text := "it exports no handler, so that no route can run it"
		if len(m.NotHandlers) > 0 {
			text += "; " + strings.Join(m.NotHandlers, ", ") + " is no handler, one takes nothing and returns nothing"
		}
		list = append(list, text)
	}
	return list
}
