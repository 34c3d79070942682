package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wasmlane/wasmlane/host"
)

// configFlag is the flag that every command with a configuration has.
func (i *invocation) configFlag() *string {
	return i.flags.String("c", "host.toml", "the configuration `file`")
}

func (i *invocation) options() host.Options {
	return host.Options{Log: i.stderr, Version: version}
}

func runServe(i *invocation) int {
	file := i.configFlag()
	if _, code, ok := i.parse(0, 0); !ok {
		return code
	}
	// A host whose log nobody reads any more serves on. By default the system ends
	// whoever writes to such a pipe.
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	// A reload that is asked for while the host starts must not end it. What else
	// ends a process may: there is nothing to drain yet.
	received := make(chan os.Signal, 4)
	signal.Notify(received, syscall.SIGHUP)
	h, err := host.Open(*file, i.options())
	if err != nil {
		signal.Stop(received)
		return i.failed(err)
	}
	ctx, stop := signals(h, received, i.stderr)
	defer stop()
	err = h.Run(ctx, func(addr string) { banner(i.stdout, h, addr) })
	if err = errors.Join(err, closeSoon(h)); err != nil {
		return i.failed(err)
	}
	return exitOK
}

// closeSoon closes the host, which waits for every handler. One that computes
// without a deadline may go on for ever after the drain has cut its client off;
// that ends with the process. What the store has promised is durable by then.
func closeSoon(h *host.Host) error {
	closed := make(chan error, 1)
	go func() { closed <- h.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(time.Second):
		return errors.New("a handler is still computing; it ends with the process")
	}
}

// signals returns a context that ends at the first SIGTERM or SIGINT. A second
// one exits at once; SIGHUP reloads.
func signals(h *host.Host, received chan os.Signal, stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signal.Notify(received, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		for s := range received {
			switch {
			case s == syscall.SIGHUP:
				// It logs its errors. It may compile for seconds, and must not keep
				// the other signals waiting.
				go func() { _ = h.Reload() }()
			case ctx.Err() == nil:
				cancel()
			default:
				fmt.Fprintln(stderr, "wasmlane: second signal, exiting at once")
				os.Exit(exitFailed)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(received)
		close(received)
		cancel()
	}
}

// banner shows a person what is being served, and two things to try.
func banner(w io.Writer, h *host.Host, addr string) {
	base := "http://" + reachable(addr)
	fmt.Fprintf(w, "wasmlane %s on %s\n\n", version, base)
	for _, r := range h.Routes() {
		note := ""
		if r.Error != "" {
			note = "   (503: not loaded)"
		}
		fmt.Fprintf(w, "  %s%s\n", r, note)
	}
	for n, r := range tries(h.Routes()) {
		if n == 0 {
			fmt.Fprint(w, "\nTry:\n")
		}
		fmt.Fprintf(w, "  %s\n", curl(r, base))
	}
	fmt.Fprintln(w)
}

// reachable turns a listening address into one a client can use.
func reachable(addr string) string {
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsUnspecified() {
		name = "localhost"
	}
	return net.JoinHostPort(name, port)
}
