package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wasmlane/wasmlane/host"
)

// Setup is the host that cases are played against.
type Setup struct {
	Plugins map[string]string // the .wasm file of each plugin
	Keys    []string          // lines of host.toml, with dotted keys; a case's own come before them
	Tables  string            // what follows them
	Cache   string            // a directory for compiled code, so that only the first case compiles
}

// Conformance is the setup of the conformance suite: one plugin, "guest".
func Conformance(wasm, cache string) *Setup {
	return &Setup{
		Plugins: map[string]string{"guest": wasm},
		Cache:   cache,
		Keys: []string{
			`plugin.guest.store = "conformance"`,
			`plugin.guest.calls = ["echo", "slow", "huge", "cut", "refused", "self"]`,
			`plugin.guest.outbound = ["$ECHO"]`,
			`plugin.guest.timeout = "20s"`,
			`plugin.guest.memory = "64MiB"`,
			`plugin.guest.config.greeting = "hello"`,
			`plugin.guest.config.empty = ""`,
			`plugin.guest.config.odd = "\u0000\u001fé\n"`,
			`plugin.guest.config.long = "` + strings.Repeat("x", 5000) + `"`,
			`service.echo.targets = ["$ECHO"]`,
			`service.slow.targets = ["$SLOW"]`,
			`service.huge.targets = ["$HUGE"]`,
			`service.cut.targets = ["$CUT"]`,
			`service.refused.targets = ["$REFUSED"]`,
			`service.secret.targets = ["$ECHO"]`,
			`service.self.targets = ["local"]`,
			`service.self.plugins = ["guest"]`,
		},
		Tables: "[[route]]\npath = \"/run\"\nhandler = \"guest.run\"\n",
	}
}

// running is a host at work.
type running struct {
	dir    string
	logs   *logs
	peers  *peers
	broken bool // the store is; closing it may fail

	host   *host.Host
	addr   string
	cancel context.CancelFunc
	done   chan error
}

// start writes the files of a host and runs it.
func (s *Setup) start(c *Case) (r *running, err error) {
	r = &running{logs: new(logs)}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.end())
		}
	}()
	if r.dir, err = os.MkdirTemp("", "wasmlane-suite-"); err != nil {
		return nil, err
	}
	if r.peers, err = startPeers(); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(r.dir, "plugins"), 0o755); err != nil {
		return nil, err
	}
	for name, file := range s.Plugins {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(r.dir, "plugins", name+".wasm"), b, 0o644); err != nil {
			return nil, err
		}
	}
	text := r.substitute(s.toml(c))
	if err := os.WriteFile(filepath.Join(r.dir, "host.toml"), []byte(text), 0o644); err != nil {
		return nil, err
	}
	return r, r.open()
}

// toml returns the text of host.toml. A key counts where it stands first.
func (s *Setup) toml(c *Case) string {
	keys := slices.Concat(c.Keys, s.Keys, []string{
		`server.listen = "127.0.0.1:0"`, `server.http_buffer_size = "256KiB"`, `server.max_response = "1MiB"`,
		`admin.listen = ""`, `store.path = "store.db"`, `log.format = "json"`, `log.level = "debug"`,
		fmt.Sprintf("cache_dir = %q", filepath.ToSlash(s.Cache)),
	})
	var b strings.Builder
	seen := make(map[string]bool)
	for _, line := range keys {
		key, _, _ := strings.Cut(line, " = ")
		if !seen[key] {
			b.WriteString(line + "\n")
		}
		seen[key] = true
	}
	b.WriteString("\n" + s.Tables)
	for _, pattern := range c.Routes {
		fmt.Fprintf(&b, "[[route]]\npath = %q\nhandler = \"guest.run\"\n", pattern)
	}
	return b.String()
}

// substitute puts the origins of the peers in the place of $ECHO and the like.
func (r *running) substitute(text string) string {
	for _, name := range []string{"echo", "slow", "huge", "cut", "refused"} {
		text = strings.ReplaceAll(text, "$"+strings.ToUpper(name), r.peers.origin(name))
	}
	return text
}

// open opens the host and serves.
func (r *running) open() error {
	h, err := host.Open(filepath.Join(r.dir, "host.toml"), host.Options{Log: r.logs, Version: "conformance"})
	if err != nil {
		return err
	}
	r.host = h
	for _, p := range h.Plugins() {
		if p.Error != "" {
			return fmt.Errorf("plugin %s does not load: %s", p.Name, p.Error)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	listening := make(chan string, 1)
	go func() { r.done <- h.Run(ctx, func(addr string) { listening <- addr }) }()
	select {
	case r.addr = <-listening:
		return nil
	case err := <-r.done:
		r.cancel = nil
		cancel()
		return err
	}
}

// stop ends the host and leaves its files.
func (r *running) stop() error {
	var err error
	if r.cancel != nil {
		r.cancel()
		select {
		case err = <-r.done:
		case <-time.After(2 * patience):
			return errors.New("the host does not stop")
		}
		r.cancel = nil
	}
	if r.host != nil {
		closed := r.host.Close()
		if !r.broken {
			err = errors.Join(err, closed)
		}
		r.host = nil
	}
	return err
}

// end stops the host and leaves nothing.
func (r *running) end() error {
	err := r.stop()
	if r.peers != nil {
		r.peers.close()
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}

// breakStore takes the contents of the store's file away, as when another program
// overwrites it. From then on the store is unavailable.
func (r *running) breakStore() error {
	r.broken = true
	return os.Truncate(filepath.Join(r.dir, "store.db"), 0)
}

// Try opens the host once, so that what is wrong with a plugin is said once.
func (s *Setup) Try() error {
	r, err := s.start(&Case{})
	if err != nil {
		return err
	}
	return r.end()
}
