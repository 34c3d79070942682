package host_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The direction of imports. A package may import what its row names, and nothing
// else of this module; a package without a row fails the test. Test files are
// exempt.
//
// A package with an empty row is a leaf: it can be read, tested and replaced alone.
func arrows() map[string][]string {
	return map[string][]string{
		"host/cmd/wasmlane": {"host", "host/internal/scaffold", "sdk", "sdk/toolchain", "abi"},
		"abi/conformance":   {"abi/conformance/suite"},
		// It is a client of the whole host, as any program that embeds it.
		"abi/conformance/suite": {"host", "sdk/toolchain"},
		"host": {
			"host/internal/server", "host/internal/admin", "host/internal/dashboard", "host/internal/reload", "host/internal/generation",
			"host/internal/route", "host/internal/sandbox", "host/internal/exchange", "host/internal/config",
			"host/internal/kv", "host/internal/call", "host/internal/discovery", "host/internal/upstream", "host/internal/wasi", "host/internal/meter",
			"host/internal/metrics", "host/internal/logs", "host/internal/trace", "abi",
		},
		"host/internal/scaffold": {"sdk/toolchain"},
		"host/internal/server":   {"host/internal/config"},
		"host/internal/admin":    {},
		"host/internal/reload":   {},
		"host/internal/generation": {
			"host/internal/route", "host/internal/sandbox", "host/internal/exchange", "host/internal/config",
			"host/internal/kv", "host/internal/call", "host/internal/upstream", "host/internal/wasi", "host/internal/traffic", "abi",
		},
		"host/internal/exchange": {"host/internal/kv", "host/internal/call", "host/internal/wasi", "host/internal/trace", "abi"},
		"host/internal/sandbox":  {"host/internal/meter", "abi"},
		// For tests: it assembles guests.
		"host/internal/sandbox/wasmtest": {},
		// For tests: it plays an agent of Consul.
		"host/internal/discovery/consultest": {},
		// For tests: it reads expositions.
		"host/internal/metrics/metricstest": {},
		"host/internal/meter":               {},
		"host/internal/route":               {},
		"host/internal/kv":                  {},
		// For tests: it starts Redis servers.
		"host/internal/kv/redistest": {},
		"host/internal/call":         {},
		"host/internal/upstream":     {"host/internal/call", "abi"},
		"host/internal/config":       {},
		"host/internal/metrics":      {},
		"host/internal/dashboard":    {},
		"host/internal/logs":         {},
		"host/internal/traffic":      {},
		"host/internal/trace":        {},
		"host/internal/wasi":         {},
		"abi":                        {},
		"sdk":                        {}, // only files
		"sdk/toolchain":              {},
		"host/internal/discovery":    {},
		// It has only its test.
		"host/internal/proof": {},
	}
}

// owners are the libraries that one package wraps for all others.
func owners() map[string]string {
	return map[string]string{
		"github.com/tetratelabs/wazero": "host/internal/sandbox",
		"go.etcd.io/bbolt":              "host/internal/kv",
		"github.com/redis/rueidis":      "host/internal/kv",
		"github.com/BurntSushi/toml":    "host/internal/config",
		"github.com/fsnotify/fsnotify":  "host/internal/reload",
		"golang.org/x/net":              "host/internal/upstream",
	}
}

const modulePath = "github.com/wasmlane/wasmlane"

// listed is what go list tells of a package.
type listed struct {
	ImportPath string
	Imports    []string // those of test files are not among them
	Module     *struct{ Path string }
	GoFiles    []string
	CgoFiles   []string
}

func TestImportsPointTheRightWay(t *testing.T) {
	packages := make(map[string]listed) // with the imports of all systems
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range listPackages(t, system) {
			p.Imports = append(p.Imports, packages[p.ImportPath].Imports...)
			packages[p.ImportPath] = p
		}
	}
	if len(packages) == 0 {
		t.Fatal("go list found no packages")
	}
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		for _, problem := range wrongImports(packages[name]) {
			t.Error(problem)
		}
	}
}

func listPackages(t *testing.T, system string) (packages []listed) {
	t.Helper()
	// -e: a package that does not compile is for the compiler to report.
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Module,GoFiles,CgoFiles", "./...")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v; it needs the go command", cmd, err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("reading the output of %s: %v", cmd, err)
		}
		if p.Module == nil || p.Module.Path != modulePath {
			t.Fatalf("%s is of another module than %s", p.ImportPath, modulePath)
		}
		if len(p.GoFiles)+len(p.CgoFiles) > 0 { // else there are only test files
			packages = append(packages, p)
		}
	}
}

// wrongImports says what is wrong with the imports of a package.
func wrongImports(p listed) (problems []string) {
	name := strings.TrimPrefix(p.ImportPath, modulePath+"/")
	allowed, known := arrows()[name]
	if !known {
		return []string{fmt.Sprintf("%s is not in the table of imports; add it to arrows in host/imports_test.go, with what it may import, and to the rows of those that may import it", name)}
	}
	slices.Sort(p.Imports)
	for _, path := range slices.Compact(p.Imports) {
		if inside, ok := strings.CutPrefix(path, modulePath+"/"); ok && !slices.Contains(allowed, inside) {
			problems = append(problems, fmt.Sprintf("%s imports %s; it may import %s. Move the code, or let the importer declare an interface and host wire it",
				name, inside, orNothing(allowed)))
		}
		for library, owner := range owners() {
			if (path == library || strings.HasPrefix(path, library+"/")) && name != owner {
				problems = append(problems, fmt.Sprintf("%s imports %s; only %s does that", name, path, owner))
			}
		}
	}
	return problems
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing of this module"
	}
	return strings.Join(list, ", ")
}

// The test above must be able to fail.
func TestImportChecks(t *testing.T) {
	at := func(name string) string { return modulePath + "/" + name }
	for _, c := range []struct {
		name, imports, want string // want is in the one problem; "" when there is none
	}{
		{"host/internal/generation", at("host/internal/route"), ""},
		{"host/internal/route", "regexp", ""},
		{"host/internal/sandbox", "github.com/tetratelabs/wazero/api", ""},
		{"host/internal/kv", "go.etcd.io/bbolt", ""},
		{"host/cmd/wasmlane", at("host"), ""},
		{"host/internal/route", at("host/internal/config"), "may import nothing of this module"},
		{"host/internal/exchange", at("host/internal/sandbox"), "host/internal/exchange imports host/internal/sandbox"},
		{"host/internal/sandbox", at("host/internal/exchange"), "may import host/internal/meter, abi"},
		{"host/internal/server", at("host"), "host/internal/server imports host"},
		{"host/cmd/wasmlane", at("host/internal/config"), "may import host, host/internal/scaffold, sdk, sdk/toolchain, abi"},
		{"host", "github.com/tetratelabs/wazero", "only host/internal/sandbox does that"},
		{"host/internal/exchange", "github.com/tetratelabs/wazero/api", "only host/internal/sandbox does that"},
		{"host", "github.com/BurntSushi/toml", "only host/internal/config does that"},
		{"host/internal/unheard", "fmt", "add it to arrows in host/imports_test.go"},
		{"bench/load", "fmt", "add it to arrows in host/imports_test.go"},
	} {
		got := wrongImports(listed{ImportPath: at(c.name), Imports: []string{c.imports}})
		switch {
		case c.want == "" && got != nil:
			t.Errorf("%s imports %s: %q; want no problem", c.name, c.imports, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
			t.Errorf("%s imports %s: %q; want one problem with %q", c.name, c.imports, got, c.want)
		}
	}

	// No row may name a package that has none, and no two rows each other.
	table := arrows()
	for name, allowed := range table {
		for _, to := range allowed {
			back, known := table[to]
			if !known {
				t.Errorf("%s may import %s, which has no row", name, to)
			}
			if slices.Contains(back, name) {
				t.Errorf("%s and %s may import each other", name, to)
			}
		}
	}
	for library, owner := range owners() {
		if _, known := table[owner]; !known {
			t.Errorf("%s belongs to %s, which has no row", library, owner)
		}
	}
}
