package main

import (
	"bytes"
	"strings"
	"testing"
)

// result is what one run of the command in this process has come to.
type result struct {
	t              *testing.T
	args           []string
	code           int
	stdout, stderr string
}

// wasmlane runs the command as main does, with nothing to read.
func wasmlane(t *testing.T, args ...string) result {
	t.Helper()
	return wasmlaneWith(t, "", args...)
}

// wasmlaneWith gives it something to read.
func wasmlaneWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(args, strings.NewReader(stdin), &stdout, &stderr)
	return result{t, args, code, stdout.String(), stderr.String()}
}

// exits checks the exit code, and that errors are on standard error only.
func (r result) exits(code int) result {
	r.t.Helper()
	if r.code != code {
		r.t.Fatalf("wasmlane %q exits with %d, want %d\n%s%s", r.args, r.code, code, r.stdout, r.stderr)
	}
	if code == exitOK && r.stdout == "" || code == exitUsage && (r.stdout != "" || r.stderr == "") {
		r.t.Errorf("wasmlane %q writes %q to standard output and %q to standard error", r.args, r.stdout, r.stderr)
	}
	return r
}

// says checks for texts in standard output.
func (r result) says(texts ...string) result {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stdout, text) {
			r.t.Errorf("wasmlane %q says\n%s\nwithout %s", r.args, r.stdout, text)
		}
	}
	return r
}

// complains checks for texts in standard error.
func (r result) complains(texts ...string) result {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			r.t.Errorf("wasmlane %q complains\n%s\nwithout %s", r.args, r.stderr, text)
		}
	}
	return r
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"-h", "-help", "--help", "help"} {
		r := wasmlane(t, args).exits(exitOK).says("Usage: wasmlane")
		for _, c := range commands() {
			r.says(c.name, c.summary)
		}
	}
	for _, c := range commands() {
		for _, args := range [][]string{
			{c.name, "-h"}, {c.name, "--help"}, {"help", c.name}, {c.name, "something", "-h"},
		} {
			r := wasmlane(t, args...).exits(exitOK).says("Usage: wasmlane "+c.name, capitalized(c.summary))
			if r.stderr != "" {
				t.Errorf("wasmlane %q writes to standard error:\n%s", args, r.stderr)
			}
		}
	}
	wasmlane(t, "run", "-h").says("-c file", `"host.toml"`)
	wasmlane(t, "invoke", "-h").says("PLUGIN.HANDLER", "-X method", "-H header", "-d body", "-param name=value")
	wasmlane(t, "inspect", "-h").says("FILE.wasm", "-json")
}

func TestVersion(t *testing.T) {
	for _, args := range []string{"version", "-version", "--version"} {
		wasmlane(t, args).exits(exitOK).says("wasmlane " + version + "\n")
	}
}

func TestMistypedCommands(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"serve", `unknown command "serve"`},
		{"help serve", `unknown command "serve"`},
		{"-x", "-x"},
		{"run -port 80", "-port"},
		{"run -c", "-c"},
		{"run host.toml", `unexpected argument "host.toml"`},
		{"check now", `unexpected argument "now"`},
		{"version 2", `unexpected argument "2"`},
		{"new", "missing NAME"},
		{"new a b", `unexpected argument "b"`},
		{"build a b", `unexpected argument "b"`},
		{"inspect", "missing FILE.wasm"},
		{"inspect a.wasm b.wasm", `unexpected argument "b.wasm"`},
		{"inspect -yaml a.wasm", "-yaml"},
		{"invoke", "missing PLUGIN.HANDLER"},
		{"invoke user", `"user.get_user"`},
		{"invoke user.", `"user.get_user"`},
		{"invoke a.b.c", `"user.get_user"`},
		{"invoke user.get_user /users/1 2", `unexpected argument "2"`},
		{"invoke user.get_user -param id", "name=value"},
		{"invoke user.get_user -param =7", "name=value"},
		{"invoke user.get_user -H Accept", `"Name: value"`},
	} {
		// Each ends with a way to learn more.
		wasmlane(t, strings.Fields(c.args)...).exits(exitUsage).complains("wasmlane", c.want, ` -h" tells`)
	}
}

// A configuration that is not there is the first thing that goes wrong for
// somebody who tries the command in any directory.
func TestCommandsWithoutConfiguration(t *testing.T) {
	missing := t.TempDir() + "/host.toml"
	for _, args := range []string{"run", "check", "invoke user.get_user"} {
		wasmlane(t, append(strings.Fields(args), "-c", missing)...).exits(exitFailed).
			complains("wasmlane: " + missing + ": no such file; create it, or name another with -c FILE\n")
	}
}
