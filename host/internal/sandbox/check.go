package sandbox

import (
	"slices"
	"strings"

	"github.com/wasmlane/wasmlane/abi"
)

// check refuses a module that this host cannot run as a plugin: what it must
// export, what it must not, and imports that hosts does not offer. Each error
// says what to do.
func check(l *layout, hosts map[string]map[string]*hostFunc) error {
	if err := checkExports(l); err != nil {
		return err
	}
	for _, d := range l.imports {
		if err := checkImport(d, hosts); err != nil {
			return err
		}
	}
	return checkTables(l)
}

func checkExports(l *layout) error {
	if l.memImport {
		return refusef("the module imports its memory; a plugin defines and exports it as %q (link without --import-memory)", abi.ExportMemory)
	}
	switch e, ok := l.export(abi.ExportMemory); {
	case !ok:
		return refusef("the module exports no memory; a plugin exports it as %q", abi.ExportMemory)
	case e.kind != kindMemory:
		return refusef("the export %q is a %s; a plugin exports its memory under that name", e.name, e.kind)
	}
	for _, e := range l.exports {
		switch {
		case e.name == abi.ExportStart || e.name == abi.ExportInitialize || e.name == abi.ExportInit:
			if !l.isProcedure(e) {
				return refusef("the export %s is %s; it must be a function () with no parameters and no results", e.name, l.signature(e))
			}
		case strings.HasPrefix(e.name, abi.ReservedPrefix):
			return refusef("the export %q has the reserved prefix %s; rename it", e.name, abi.ReservedPrefix)
		}
	}
	return nil
}

func checkImport(d importDecl, hosts map[string]map[string]*hostFunc) error {
	name := d.module + "." + d.name
	funcs, known := hosts[d.module]
	if !known {
		return refusef("the module imports %q, and this host has no import module %q%s", name, d.module, foreignModule(d.module))
	}
	if d.kind != kindFunc {
		return refusef("the module imports %q as a %s; this host offers functions only", name, d.kind)
	}
	f, known := funcs[d.name]
	switch {
	case !known && d.module == abi.Module:
		return refusef("the module needs a newer host: this one has no function %q", name)
	case !known:
		return refusef("the module imports %q, and this host has no such function", name)
	case !slices.Equal(d.typ.params, f.typ.params) || !slices.Equal(d.typ.results, f.typ.results):
		return refusef("the module imports %q with the wrong signature: wanted %s, got %s", name, f.typ, d.typ)
	}
	return nil
}

// foreignModule adds what usually lies behind an import module of another host.
func foreignModule(module string) string {
	switch module {
	case "env":
		return `; functions without an import_module attribute end up in "env": declare where they come from, or link what defines them`
	case "gojs", "go":
		return "; build with GOOS=wasip1, not GOOS=js"
	case "wasi_unstable":
		return "; rebuild with a compiler that targets wasi_snapshot_preview1"
	case "wbg", "__wbindgen_placeholder__":
		return "; it is built for a browser, build without wasm-bindgen"
	}
	if strings.HasPrefix(module, "wasi:") {
		return "; build for wasip1, not wasip2"
	}
	return ""
}
