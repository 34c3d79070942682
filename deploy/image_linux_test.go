package deploy_test

import (
	"archive/tar"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The user of the image.
const nobody = 65532

// The image without plugins must stay below this, uncompressed.
const mostImage = 15_000_000

// image is what an archive of "docker save" holds.
type image struct {
	size   int64 // of all layers, uncompressed
	root   string
	Config struct {
		User         string
		Entrypoint   []string
		Cmd          []string
		Env          []string
		StopSignal   string
		WorkingDir   string
		ExposedPorts map[string]struct{}
		Volumes      map[string]struct{}
		Healthcheck  struct{ Test []string }
	} `json:"config"`
}

// buildImage builds the image with make image's own script, from the program as it
// is and, unless it is "", the site in dir; and unpacks it. It is built once.
func buildImage(t *testing.T, name, dir string) image {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "building and unpacking an image needs root")
	}
	need(t, "buildah", "apt-get install buildah")
	probe := exec.Command("true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: isolation}
	if err := probe.Run(); err != nil {
		t.Skipf("namespaces are not allowed here: %v", err)
	}
	look(t, "docker")
	binary := program(t)
	return unpack(t, shared(t, name+".tar", func(out string) *exec.Cmd {
		args := []string{"docker/image.sh", binary, out, "test"}
		if dir != "" {
			args = append(args, dir)
		}
		return exec.Command("sh", args...)
	}))
}

func unpack(t *testing.T, archive string) image {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// read calls take with one member of the archive.
	read := func(name string, take func(r io.Reader)) {
		t.Helper()
		f, err := os.Open(archive)
		check(err)
		defer f.Close()
		for r := tar.NewReader(f); ; {
			h, err := r.Next()
			if err != nil {
				t.Fatalf("%s in the archive: %v", name, err)
			}
			if h.Name == name {
				take(r)
				return
			}
		}
	}
	var manifest []struct {
		Config string
		Layers []string
	}
	read("manifest.json", func(r io.Reader) { check(json.NewDecoder(r).Decode(&manifest)) })
	if len(manifest) != 1 {
		t.Fatalf("%d images in the archive, want one", len(manifest))
	}
	var i image
	read(manifest[0].Config, func(r io.Reader) { check(json.NewDecoder(r).Decode(&i)) })
	i.root = t.TempDir()
	for _, layer := range manifest[0].Layers {
		read(layer, func(r io.Reader) { i.size += unpackLayer(t, r, i.root) })
	}
	return i
}

// unpackLayer puts a layer's files in place, with owners and modes, and returns
// their size.
func unpackLayer(t *testing.T, layer io.Reader, root string) (size int64) {
	t.Helper()
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return size
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, h.Name)
		mode := h.FileInfo().Mode()
		switch {
		case mode.IsDir():
			err = os.MkdirAll(path, 0o700)
		case mode.IsRegular():
			_ = os.Remove(path) // that of the layer below
			var f *os.File
			if f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
				var n int64
				n, err = io.Copy(f, r)
				size += n
				err = errors.Join(err, f.Close())
			}
		default:
			t.Fatalf("%s in the image is neither a file nor a directory", h.Name)
		}
		if err := errors.Join(err, os.Lchown(path, h.Uid, h.Gid), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
}

// files lists what is in the image's root, "/wasmlane", in order.
func (i image) files(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(i.root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, strings.TrimPrefix(path, i.root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestImage(t *testing.T) {
	t.Parallel()
	i := buildImage(t, "wasmlane", "")
	t.Logf("%d bytes", i.size)
	if i.size > mostImage {
		t.Errorf("the image has %d bytes, and may have %d", i.size, mostImage)
	}
	if c := i.Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/wasmlane"}) ||
		!slices.Equal(c.Cmd, []string{"run", "-c", "/etc/wasmlane/host.toml"}) || c.StopSignal != "SIGTERM" ||
		!slices.Equal(c.Healthcheck.Test, []string{"CMD", "/wasmlane", "health", "-c", "/etc/wasmlane/host.toml"}) {
		t.Errorf("the image's configuration is %+v", c)
	}
	if _, ok := i.Config.Volumes["/data"]; !ok {
		t.Error("/data is no volume")
	}
	if _, ok := i.Config.ExposedPorts["8001/tcp"]; !ok {
		t.Error("port 8001 is not exposed")
	}
	before := i.files(t)
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/wasmlane/host.toml", "/wasmlane"}; !slices.Equal(before, want) {
		t.Errorf("the image holds %q, want %q", before, want)
	}
	if roots, err := os.ReadFile(i.root + "/etc/ssl/certs/ca-certificates.crt"); err != nil || !x509.NewCertPool().AppendCertsFromPEM(roots) {
		t.Errorf("no certificates for outbound https in the image: %v", err)
	}
	for name, want := range map[string]struct {
		uid  int
		mode fs.FileMode
	}{"/wasmlane": {0, 0o755}, "/plugins": {0, 0o755}, "/etc/wasmlane": {0, 0o755}, "/data": {nobody, 0o700}, "/cache": {nobody, 0o700}} {
		info, err := os.Stat(i.root + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if uid := int(info.Sys().(*syscall.Stat_t).Uid); uid != want.uid || info.Mode().Perm() != want.mode {
			t.Errorf("%s belongs to %d with mode %o, want %d and %o", name, uid, info.Mode().Perm(), want.uid, want.mode)
		}
	}

	c := i.run(t, surroundings{})
	c.wait("health", func() bool { code, _ := c.health(); return code == 0 })
	if code, out := c.health("-ready"); code != 0 {
		t.Errorf("wasmlane health -ready exits with %d: %s", code, out)
	}
	if status, _ := c.get("http://127.0.0.1:8001/ready"); status != "200" {
		t.Errorf("GET /ready: %s", status)
	}
	c.stop()
	if code, _ := c.health(); code != 1 {
		t.Errorf("wasmlane health exits with %d when nothing runs, want 1", code)
	}
	// It writes where it should, and nowhere else.
	for _, file := range i.files(t) {
		if !slices.Contains(before, file) && !strings.HasPrefix(file, "/data/") && !strings.HasPrefix(file, "/cache/") {
			t.Errorf("the host wrote %s", file)
		}
	}
	if _, err := os.Stat(i.root + "/data/wasmlane.db"); err != nil {
		t.Errorf("no store in the volume: %v", err)
	}
}

// withHello builds an image with the plugin of examples/hello, as a user would.
func withHello(t *testing.T) image {
	t.Helper()
	dir := t.TempDir()
	copyFile(t, pluginOf(t, "../examples/hello"), filepath.Join(dir, "plugins", "hello.wasm"))
	write(t, filepath.Join(dir, "host.toml"), read(t, "docker/host.toml")+"\n[[route]]\nmethod = \"GET\"\npath = \"/hello/{name}\"\nhandler = \"hello.hello\"\n")
	return buildImage(t, "hello", dir)
}

// greets waits until the plugin answers.
func (c *container) greets() {
	c.t.Helper()
	c.wait("the plugin", func() bool {
		status, body := c.get("http://127.0.0.1:8001/hello/ada")
		return status == "200" && strings.Contains(body, "ada")
	})
}

// startedFromCache checks by the log that no plugin was compiled.
func (c *container) startedFromCache() {
	c.t.Helper()
	log := c.output.String()
	if !strings.Contains(log, `"cached":true`) || strings.Contains(log, `"cached":false`) || strings.Contains(log, "cache_dir is unusable") {
		c.t.Error("the host did not start from the cache")
	}
}

// compiled counts the files of machine code below a directory.
func compiled(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The image with plugins: they are compiled when it is built, and a container starts
// from that.
func TestImageWithPlugins(t *testing.T) {
	t.Parallel()
	i := withHello(t)
	if compiled(t, i.root+"/cache") == 0 {
		t.Error("no machine code in the image's cache")
	}
	c := i.run(t, surroundings{})
	c.greets()
	c.stop()
	c.startedFromCache()
}
