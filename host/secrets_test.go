package host

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/discovery/consultest"
	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

// Values that host.toml only points at.

// The secrets of these tests hold this, and nothing else does.
const secretMark = "s3cr3t"

// parrot is what a host takes for a Redis, and it repeats what it is told.
func parrot(t *testing.T) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for buf := make([]byte, 4096); ; {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					fmt.Fprintf(c, "-ERR what is %s?\r\n", strings.Join(strings.Fields(string(buf[:n])), " "))
				}
			}()
		}
	}()
	return l.Addr().String()
}

// secretive is a host with a secret in every place that takes one.
func secretive(t *testing.T) setup {
	t.Setenv("WASMLANE_TEST_PASSWORD", secretMark+"-of-the-environment")
	t.Setenv("WASMLANE_TEST_STORE", "redis://:"+secretMark+"-of-the-store@"+parrot(t))
	agent := consultest.New(t)
	agent.Require(secretMark + "-of-consul")
	g := newGuest()
	g.on("get", g.echo("config", "password"), g.do("write", " "), g.echo("config", "key"))
	g.on("trap", g.do("config", "key", 4096, 100), wasmtest.Unreachable())
	return setup{
		keys: openAdmin + `
			admin.token = { file = "secrets/admin" }
			admin.upload = true
			store.backend = "redis"
			store.url = { env = "WASMLANE_TEST_STORE" }
			discovery.token = { file = "secrets/consul" }
			discovery.consul = "` + agent.Origin + `"
			service.a.targets = ["local"]
			plugin.a.config.password = { env = "WASMLANE_TEST_PASSWORD" }
			plugin.a.config.key = { file = "secrets/key" }
			plugin.a.config.plain = "` + secretMark + `-in-the-file"`,
		guests: map[string]*guest{"a": g},
		files: map[string][]byte{
			"secrets/admin":  []byte(secretMark + "-of-admin\n"),
			"secrets/consul": []byte(secretMark + "-of-consul\n"),
			"secrets/key":    []byte(secretMark + "-one\n"),
		},
	}
}

// TestSecretsAreNotShown: what a host says, in its log at debug and on all paths of
// the admin listener, holds no secret; the plugin gets it.
func TestSecretsAreNotShown(t *testing.T) {
	r := start(t, secretive(t))
	if a := r.get("/a/get"); a.body != secretMark+"-of-the-environment "+secretMark+"-one" {
		t.Fatalf("the plugin has %v", a)
	}
	r.refused(r.get("/a/trap"), 500, "failed")
	r.logged("registered", "service", "a") // the agent has seen its token
	r.logged("the store is down", "error", "(hidden)")
	bearer := "Authorization: Bearer " + secretMark + "-of-admin"
	said := map[string]string{}
	operate := func(method, path string, headers ...string) {
		a := r.operateWith(method, path, nil, append(headers, bearer)...)
		said[method+" "+path] = fmt.Sprint(a.status, a.header, a.body)
	}
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/plugins", "/plugins/a", "/routes", "/config", "/generation", "/logs?limit=1000", "/none"} {
		operate("GET", path)
	}
	operate("POST", "/reload")
	operate("PUT", "/plugins/a")
	operate("DELETE", "/config")
	a := r.operateWith("GET", "/config", nil, "Authorization: Bearer "+secretMark+"-guessed")
	said["refused"] = fmt.Sprint(a.status, a.header, a.body)
	if a.status != 401 {
		t.Errorf("another token got %v", a)
	}

	// The stream that the dashboard shows.
	v := r.view(bearer + "\r\n")
	var events strings.Builder
	v.lines = bufio.NewReader(io.TeeReader(v.lines, &events))
	var data any
	v.next("fields", &data)
	v.next("samples", &data) // all else stands before
	_ = v.Close()
	said["events"] = events.String()

	// Errors: of a reload, of check, of what follows.
	put(t, filepath.Join(r.dir, "secrets/admin"), []byte(secretMark+" is no token\n"))
	r.rewrite(`key = { file = "secrets/key" }`, `key = { file = "secrets" }`)
	err := r.Reload()
	if err == nil {
		t.Fatal("a broken reload went through")
	}
	said["the error of a reload"] = err.Error()
	operate("GET", "/generation")
	operate("POST", "/reload")
	var log bytes.Buffer
	said["the error of check"] = fmt.Sprint(Check(r.file, Options{Log: &log}))
	said["the log of check"] = log.String()
	if !strings.Contains(said["the error of check"], `host.toml:`) || !strings.Contains(said["the error of check"], "admin.token: the value of { file = ") {
		t.Errorf("check says %s", said["the error of check"])
	}
	if m, err := Inspect(filepath.Join(r.dir, "plugins/a.wasm")); err != nil {
		t.Error(err)
	} else {
		said["inspect"] = fmt.Sprintf("%+v", m)
	}
	said["plugins"] = fmt.Sprintf("%+v %+v", r.Plugins(), r.Routes())
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	said["the log"] = r.logs.String()
	for what, text := range said {
		if i := strings.Index(text, secretMark); i >= 0 {
			t.Errorf("%s holds a secret: …%s", what, text[max(0, i-200):min(len(text), i+60)])
		}
		if len(text) < 4 {
			t.Errorf("%s is only %q", what, text)
		}
	}
	config := strings.Join(strings.Fields(said["GET /config"]), " ")
	for _, want := range []string{`"password": { "env": "WASMLANE_TEST_PASSWORD" }`, fmt.Sprintf(`"key": { "file": %q }`, filepath.Join(r.dir, "secrets/key")), `"plain": "(hidden)"`} {
		if !strings.Contains(config, want) {
			t.Errorf("GET /config lacks %s: %s", want, config)
		}
	}
}

// TestSecretChanges: a reload reads the values again. One that changed is a change
// of the plugin that has it, and of no other.
func TestSecretChanges(t *testing.T) {
	s := secretive(t)
	s.guests["b"] = says("b")
	r := embed(t, s)
	r.get("/a/get")
	before := loaded(r.Host)
	r.reload()
	if again := loaded(r.Host); again["a"] != before["a"] || again["b"] != before["b"] {
		t.Error("a plugin was loaded anew although nothing has changed")
	}
	put(t, filepath.Join(r.dir, "secrets/key"), []byte(secretMark+"-two\n"))
	put(t, filepath.Join(r.dir, "secrets/consul"), []byte(secretMark+"-other\n"))
	t.Setenv("WASMLANE_TEST_PASSWORD", "another")
	status, err := r.Host.reload(nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := r.get("/a/get"); a.body != "another "+secretMark+"-two" {
		t.Errorf("the plugin has %v", a)
	}
	if now := loaded(r.Host); now["a"] == before["a"] || now["b"] != before["b"] {
		t.Error("not plugin a alone was loaded anew")
	}
	if got := strings.Join(status.Changed, ", "); got != "plugin a (settings), discovery.token" {
		t.Errorf("changed: %s", got)
	}
	put(t, filepath.Join(r.dir, "secrets/admin"), []byte("other-"+secretMark))
	r.reload()
	r.logged("these settings take effect at the next start", "keys", "admin.token")
}

// TestSecretIsWatched: a file that a value is read from is watched, the links that
// Kubernetes swaps included; and one that a refused configuration waits for.
func TestSecretIsWatched(t *testing.T) {
	s := secretive(t)
	s.keys = strings.Replace(s.keys, "secrets/key", "volume/key", 1)
	r := prepare(t, s)
	volume := filepath.Join(r.dir, "volume")
	swap := func(version, text string) {
		put(t, filepath.Join(volume, version, "key"), []byte(text))
		link := filepath.Join(volume, "..data_tmp")
		if err := os.Symlink(version, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, filepath.Join(volume, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap("..1", "one")
	if err := os.Symlink(filepath.Join("..data", "key"), filepath.Join(volume, "key")); err != nil {
		t.Skipf("no symbolic links: %v", err)
	}
	r.open()
	r.run()
	reads := func(want string) {
		t.Helper()
		r.until("key "+want, func() bool { return strings.HasSuffix(r.get("/a/get").body, " "+want) })
	}
	reads("one")
	swap("..2", "two")
	reads("two")

	// The configuration comes before the secret it names.
	r.rewrite("volume/key", "late/key")
	r.until("the error", func() bool { return strings.Contains(r.logs.String(), "late/key does not exist") })
	reads("two")
	put(t, filepath.Join(r.dir, "late/key"), []byte("three"))
	reads("three")
}
