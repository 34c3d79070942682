package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// workshop knows where things are, and builds them.
type workshop struct {
	root string // the repository
	out  string // what is built: bench/out
	work string // a directory that is removed at the end
	log  io.Writer
}

func (w *workshop) say(format string, args ...any) { fmt.Fprintf(w.log, format+"\n", args...) }

func (w *workshop) bench(name string) string { return filepath.Join(w.root, "bench", name) }
func (w *workshop) made(name string) string  { return filepath.Join(w.out, name) }

// base builds what every run needs: the host and the two plugins.
func (w *workshop) base(ctx context.Context) error {
	for _, n := range []need{{"wrk", "apt-get install wrk"}, {"go", "Go 1.26"}, {"make", "apt-get install make"}, {clangName(), "apt-get install clang lld"}} {
		if _, err := exec.LookPath(n.program); err != nil {
			return fmt.Errorf("%s is missing: %s", n.program, n.install)
		}
	}
	if err := os.MkdirAll(w.out, 0o755); err != nil {
		return err
	}
	plugin := []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}
	reactor := []string{"go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"}
	for _, s := range []step{
		{dir: "..", args: []string{"make", "--silent", "build", "BINARY=" + w.made("wasmlane")}}, // what a user gets
		{dir: "plugins/go", args: append(reactor[:len(reactor):len(reactor)], w.made("go.wasm"), "."), env: plugin},
		clang("plugins/c", "plugin.c", "c.wasm"),
		{dir: "../plugins/user", args: append(reactor[:len(reactor):len(reactor)], w.made("user.wasm"), "."), env: plugin},
		{dir: "../plugins/order", args: append(reactor[:len(reactor):len(reactor)], w.made("order.wasm"), "."), env: plugin},
	} {
		if err := w.do(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// prepare builds a peer. Its error is the reason why the peer is not run.
func (w *workshop) prepare(ctx context.Context, p *peer) error {
	for _, n := range p.needs {
		if _, err := exec.LookPath(n.program); err != nil {
			return fmt.Errorf("%s is missing: %s", n.program, n.install)
		}
	}
	if p.build == nil {
		return nil
	}
	for _, s := range p.build(w, p) {
		if err := w.do(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (w *workshop) do(ctx context.Context, s step) error {
	if s.made != "" {
		if _, err := os.Stat(w.bench(s.made)); err == nil {
			return nil
		}
	}
	w.say("%s: %s", s.dir, strings.Join(s.args, " "))
	cmd := exec.CommandContext(ctx, s.args[0], s.args[1:]...)
	cmd.Dir = w.bench(s.dir)
	if strings.Contains(s.args[0], "/") {
		cmd.Path = filepath.Join(cmd.Dir, s.args[0])
	}
	cmd.Env = append(os.Environ(), s.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building failed: %s: %w: %s", strings.Join(s.args, " "), err, lastLine(output.String()))
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// installed returns the bytes of files and directories.
func (w *workshop) installed(names []string) (bytes int64) {
	for _, name := range names {
		if !filepath.IsAbs(name) {
			name = w.bench(name)
		}
		_ = filepath.Walk(name, func(_ string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				bytes += info.Size()
			}
			return nil // what cannot be read counts nothing
		})
	}
	return bytes
}
