package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every host.toml here passes "wasmlane check" with the plugins it names; only its
// places are others.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	for _, c := range []struct {
		file    string
		plugins []string // directories of their sources
	}{
		{"docker/host.toml", nil},
		{"systemd/host.toml", nil},
		{"kubernetes/base/host.toml", []string{"../examples/hello"}},
		{"kubernetes/overlays/redis/host.toml", []string{"../plugins/user", "../plugins/order"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			dir := t.TempDir()
			plugins := filepath.Join(dir, "plugins")
			if err := os.Mkdir(plugins, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, source := range c.plugins {
				copyFile(t, pluginOf(t, source), filepath.Join(plugins, filepath.Base(source)+".wasm"))
			}
			places := map[string]string{"plugin_dir": plugins, "cache_dir": cache, "path": filepath.Join(dir, "wasmlane.db")}
			var text strings.Builder
			for line := range strings.Lines(read(t, c.file)) {
				key, value, _ := strings.Cut(line, "=")
				key, value = strings.TrimSpace(key), strings.TrimSpace(value)
				// "path" is that of the store; those of routes end in no ".db".
				if place := places[key]; place != "" && (key != "path" || strings.Contains(value, ".db")) {
					if !strings.HasPrefix(value, `"/`) {
						t.Errorf("%s: %s is %s, no absolute path", c.file, key, value)
					}
					line = fmt.Sprintf("%s = %q\n", key, place)
				}
				text.WriteString(line)
			}
			file := filepath.Join(dir, "host.toml")
			write(t, file, text.String())
			cmd := exec.Command(program(t), "check", "-c", file)
			cmd.Env = append(os.Environ(), "REDIS_URL=redis://:secret@127.0.0.1:6379/0")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", cmd, err, out)
			}
		})
	}
}
