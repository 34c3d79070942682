package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

func TestInspect(t *testing.T) {
	r := wasmlane(t, "inspect", plugin(t, "user")).exits(exitOK)
	r.says("size      ", "sha256    ", "language  Go go1.", "memory    ", "init      _initialize\n",
		"handlers:\n    create_user\n    delete_user\n    get_user\n    list_users\n    load\n    update_user\n",
		"    wasmlane_v1.kv_swap\n",
		"grants needed in [plugin.NAME]:\n    store = \"NAME\"\n")
	// The other one calls besides.
	wasmlane(t, "inspect", plugin(t, "order")).exits(exitOK).
		says("    store = \"NAME\"\n    calls = [\"SERVICE\"]\n")
}

func TestInspectJSON(t *testing.T) {
	r := wasmlane(t, "inspect", "-json", plugin(t, "order")).exits(exitOK)
	var module struct {
		Size     int    `json:"size_bytes"`
		SHA256   string `json:"sha256"`
		Handlers []string
		Imports  []struct{ Module, Name, Grant string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &module); err != nil {
		t.Fatalf("%v in\n%s", err, r.stdout)
	}
	info, err := os.Stat(plugin(t, "order"))
	if err != nil {
		t.Fatal(err)
	}
	if module.Size != int(info.Size()) || len(module.SHA256) != 64 ||
		!slices.Equal(module.Handlers, []string{"create_order", "get_order", "list_orders"}) {
		t.Errorf("the module is %+v", module)
	}
	grants := map[string]string{}
	for _, i := range module.Imports {
		if i.Module == "wasmlane_v1" {
			grants[i.Name] = i.Grant
		}
	}
	for name, want := range map[string]string{"write": "", "kv_set": `store = "NAME"`, "call": `calls = ["SERVICE"]`} {
		if got, ok := grants[name]; !ok || got != want {
			t.Errorf("the import %s needs the grant %q, want %q", name, got, want)
		}
	}
}

// What is no handler for its type alone is worth a line: its author meant one.
func TestInspectSmallModule(t *testing.T) {
	m := wasmtest.New().Memory(1, 4)
	m.Handler("hello")
	m.Export("goodbye", wasmtest.KindFunc, m.Func(wasmtest.Type{wasmtest.I32}, nil, nil))
	m.Handler("wasmlane_init")
	file := write(t, "small.wasm", m.Bytes())
	wasmlane(t, "inspect", file).exits(exitOK).says(
		"memory    64 KiB at start, at most 256 KiB\n",
		"init      wasmlane_init\n",
		"handlers:\n    hello\n",
		"no handlers, for their type:\n    goodbye ",
		"imports: none\n")
}

// The imports are listed all the same; the exit code tells.
func TestInspectForeignModule(t *testing.T) {
	m := wasmtest.New().Memory(1, 1)
	m.Import("env", "now", nil, wasmtest.Type{wasmtest.I64})
	m.Import("wasmlane_v1", "flush", nil, wasmtest.Type{wasmtest.I32})
	m.Handler("hello")
	file := write(t, "foreign.wasm", m.Bytes())
	wasmlane(t, "inspect", file).exits(exitFailed).says("imports:\n    env.now\n    wasmlane_v1.flush\n").
		complains("wasmlane: " + file + ": this host has no function env.now and would not load the module\n")
	wasmlane(t, "inspect", "-json", file).exits(exitFailed).says(`"unknown": true`).complains("env.now")
}

func TestInspectBrokenFiles(t *testing.T) {
	user, err := os.ReadFile(plugin(t, "user"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"text.wasm":      {[]byte("#!/bin/sh\nexit 0\n"), "not a WebAssembly module"},
		"empty.wasm":     {nil, "empty"},
		"garbage.wasm":   {[]byte("\x00\xff\x80garbage"), "not a WebAssembly module"},
		"magic.wasm":     {user[:4], "truncated"},
		"truncated.wasm": {user[:len(user)/2], "truncated"},
		"short.wasm":     {user[:100], "truncated"},
	} {
		file := write(t, name, c.content)
		wasmlane(t, "inspect", file).exits(exitFailed).complains("wasmlane: "+file+": ", c.want)
		wasmlane(t, "inspect", "-json", file).exits(exitFailed).complains("wasmlane: "+file+": ", c.want)
	}
	dir := t.TempDir()
	wasmlane(t, "inspect", dir).exits(exitFailed).complains("wasmlane: " + dir + ": ")
	none := filepath.Join(dir, "none.wasm")
	wasmlane(t, "inspect", none).exits(exitFailed).complains("wasmlane: " + none + ": ")
}

// traps returns a plugin whose handler "fail" does.
func traps() []byte {
	m := wasmtest.New().Memory(1, 1)
	m.Handler("fail", wasmtest.Unreachable())
	return m.Bytes()
}

// write makes a file that the test leaves nothing of.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A command has no handlers, whatever it exports; inspect says how to mount it.
func TestInspectCommand(t *testing.T) {
	m := wasmtest.New().Memory(1, 4)
	m.Handler("main")
	m.Handler("_start")
	file := write(t, "command.wasm", m.Bytes())
	r := wasmlane(t, "inspect", file).exits(exitOK)
	r.says("  WASI command: mount it with handler = \"NAME.@cgi\"\n", "imports: none\n")
	if strings.Contains(r.stdout, "handlers") {
		t.Errorf("it speaks of handlers:\n%s", r.stdout)
	}
	wasmlane(t, "inspect", "-json", file).exits(exitOK).says(`"command": true`, `"handlers": []`)
}
