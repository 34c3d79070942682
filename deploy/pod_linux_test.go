package deploy_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The image as the Deployment runs it: a root that is read-only, emptyDirs that belong
// to root and to the pod's group, a ConfigMap, first the init container and then the
// host, with the Deployment's limit of memory.
func TestPod(t *testing.T) {
	t.Parallel()
	i := withHello(t)
	emptyDir := func() string {
		dir := t.TempDir()
		if err := errors.Join(os.Chown(dir, 0, nobody), os.Chmod(dir, 0o777|fs.ModeSetgid)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	config := t.TempDir()
	if err := os.Chmod(config, 0o755); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(read(t, "kubernetes/base/host.toml"), `drain_delay     = "10s"`, `drain_delay = "0s"`, 1)
	write(t, filepath.Join(config, "..one", "host.toml"), text)
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(config, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..one", "..data")
	link("..data/host.toml", "host.toml")
	cache := emptyDir()
	around := surroundings{readOnly: true, mounts: map[string]string{"/etc/wasmlane": config, "/cache": cache, "/data": emptyDir()}}

	around.args = []string{"check", "-c", "/etc/wasmlane/host.toml"}
	if code := i.run(t, around).end(); code != 0 {
		t.Fatalf("the init container exits with %d", code)
	}
	if compiled(t, cache) == 0 {
		t.Error("the init container left nothing in the cache")
	}

	around.args = []string{"run", "-c", "/etc/wasmlane/host.toml"}
	around.cgroup = memoryLimit(t, 32<<20)
	c := i.run(t, around)
	c.greets()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, body := c.get("http://127.0.0.1:8001" + path); status != "200" {
			t.Errorf("GET %s: %s %s", path, status, body)
		}
	}
	// The kubelet brings another ConfigMap.
	write(t, filepath.Join(config, "..two", "host.toml"), strings.Replace(text, "/hello/{name}", "/greet/{name}", 1))
	link("..two", "..data_tmp")
	if err := os.Rename(filepath.Join(config, "..data_tmp"), filepath.Join(config, "..data")); err != nil {
		t.Fatal(err)
	}
	c.wait("the other route", func() bool { status, _ := c.get("http://127.0.0.1:8001/greet/ada"); return status == "200" })
	c.stop()
	c.startedFromCache()
}

// memoryLimit returns a new cgroup with this limit, "" where there can be none: then
// the test goes on without.
func memoryLimit(t *testing.T, limit int64) string {
	t.Helper()
	for _, hierarchy := range []struct{ dir, key string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, // version 1
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir, err := os.MkdirTemp(hierarchy.dir, "wasmlane-test-")
		if err != nil {
			continue
		}
		// The host has ended before this: cleanups run from the last to the first.
		t.Cleanup(func() { _ = os.Remove(dir) })
		if err := os.WriteFile(filepath.Join(dir, hierarchy.key), []byte(strconv.FormatInt(limit, 10)), 0); err == nil {
			return dir
		}
	}
	t.Log("no limit of memory: cgroups cannot be made here")
	return ""
}
