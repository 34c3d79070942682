// Command wasmlane serves HTTP with handlers compiled to WebAssembly.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// version is set when the binary is linked.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it was tried and failed
	exitUsage  = 2 // the command line was wrong
)

// command is one word the program knows.
type command struct {
	name    string
	args    string // what follows the flags, for the usage line
	summary string
	run     func(c *invocation) int
}

func commands() []command {
	return []command{
		{"run", "", "serve what host.toml describes (the default)", runServe},
		{"check", "", "do all that run does before it opens the store and listens; print every error", runCheck},
		{"health", "[PATH|URL]", "ask a running host how it is; exit 0 when it is well", runHealth},
		{"inspect", "FILE.wasm", "say what a plugin exports, imports and needs", runInspect},
		{"invoke", "PLUGIN.HANDLER [PATH]", "send one request to a handler, without a server", runInvoke},
		{"new", "NAME", "write a plugin to start from, in Go or another language", runNew},
		{"build", "[DIR]", "compile a plugin in any of the languages", runBuild},
		{"version", "", "print the version", runVersion},
	}
}

// invocation is one run of a command: its arguments and where it may write.
type invocation struct {
	command command
	args    []string
	flags   *flag.FlagSet
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
}

// run is main as a function.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	name, args := split(args)
	if name == "help" {
		usage(stdout)
		return exitOK
	}
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		i := &invocation{command: c, args: args, stdin: stdin, stdout: stdout, stderr: stderr}
		i.flags = flag.NewFlagSet("wasmlane "+name, flag.ContinueOnError)
		i.flags.SetOutput(io.Discard) // we print errors and help ourselves, each once
		return c.run(i)
	}
	fmt.Fprintf(stderr, "wasmlane: unknown command %q\n\n", name)
	usage(stderr)
	return exitUsage
}

// split finds the command: the first word, or what people write instead of it.
func split(args []string) (name string, rest []string) {
	if len(args) == 0 {
		return "run", nil
	}
	switch first := args[0]; {
	case first == "help" && len(args) > 1:
		return args[1], []string{"-h"}
	case first == "-h", first == "-help", first == "--help":
		return "help", nil
	case first == "-version", first == "--version":
		return "version", args[1:]
	case strings.HasPrefix(first, "-"):
		return "run", args
	default:
		return first, args[1:]
	}
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Usage: wasmlane [COMMAND] [flags]\n\nServes HTTP with handlers compiled to WebAssembly.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s  %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n\"wasmlane COMMAND -h\" tells about one.\n")
}

// parse reads the flags and wants between least and most arguments after them.
// When it reports false, code is what to exit with. Flags may stand among the
// arguments, as people type them.
func (i *invocation) parse(least, most int) (rest []string, code int, ok bool) {
	args := i.args
	for {
		err := i.flags.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			i.help(i.stdout)
			return nil, exitOK, false
		case err != nil:
			return nil, i.misused(err.Error()), false
		}
		if i.flags.NArg() == 0 {
			break
		}
		rest = append(rest, i.flags.Arg(0))
		args = i.flags.Args()[1:]
	}
	switch {
	case len(rest) < least:
		return nil, i.misused("missing " + strings.Fields(i.command.args)[len(rest)]), false
	case len(rest) > most:
		return nil, i.misused(fmt.Sprintf("unexpected argument %q", rest[most])), false
	}
	return rest, exitOK, true
}

func (i *invocation) help(w io.Writer) {
	fmt.Fprintf(w, "Usage: wasmlane %s\n\n%s.\n", strings.TrimSpace(i.command.name+" [flags] "+i.command.args), capitalized(i.command.summary))
	flags := false
	i.flags.VisitAll(func(*flag.Flag) { flags = true })
	if flags {
		fmt.Fprint(w, "\nFlags:\n")
		i.flags.SetOutput(w)
		i.flags.PrintDefaults()
		i.flags.SetOutput(io.Discard)
	}
}

// misused tells what is wrong with the command line.
func (i *invocation) misused(problem string) int {
	fmt.Fprintf(i.stderr, "wasmlane %s: %s\n\"wasmlane %s -h\" tells how it is used.\n", i.command.name, problem, i.command.name)
	return exitUsage
}

// failed prints errors, each line on its own, and returns exitFailed.
func (i *invocation) failed(err error) int {
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(i.stderr, "wasmlane: %s\n", line)
	}
	return exitFailed
}

func capitalized(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func runVersion(i *invocation) int {
	if _, code, ok := i.parse(0, 0); !ok {
		return code
	}
	fmt.Fprintf(i.stdout, "wasmlane %s\n", version)
	return exitOK
}
