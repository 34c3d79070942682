// Package jsonplan encodes values as encoding/json does, byte for byte, by a plan
// that was made of their type beforehand.
//
// A plugin answers every request from the memory as it was after initialisation, so
// that a plan costs nothing per request, and it spares what encoding/json does by
// reflection each time. Types for which that is not simple have no plan: maps,
// interfaces, arrays, byte slices, embedded and recursive structs, types that
// marshal themselves, and the options "string" and "omitzero".
package jsonplan

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"unsafe"
)

// Plan is how to encode the values of one type. It is safe for concurrent use.
type Plan struct {
	word unsafe.Pointer // identifies the type in an interface
	node node
}

// node is how to encode what lies at an address.
type node struct {
	kind   reflect.Kind
	size   uintptr // of an element of a slice
	elem   *node   // of a slice or a pointer
	fields []field // of a struct
}

type field struct {
	name      string // with its quotes and colon, and the comma but for the first
	offset    uintptr
	omitEmpty bool
	node      node
}

// iface is an interface value without methods, as Go's compiler lays it out.
type iface struct{ word, data unsafe.Pointer }

// New returns a plan for values of v's type, or nil when the type has none.
func New(v any) *Plan {
	t := reflect.TypeOf(v)
	if !layoutKnown || t == nil || t.Kind() != reflect.Pointer && pointerShaped(t) {
		return nil
	}
	n, ok := plan(t, nil)
	if !ok {
		return nil
	}
	return &Plan{word: (*iface)(unsafe.Pointer(&v)).word, node: n}
}

// Of reports whether the plan is for values of v's type.
func (p *Plan) Of(v any) bool { return (*iface)(unsafe.Pointer(&v)).word == p.word }

// pointerShaped reports whether an interface may hold a value of the type itself, in
// place of a pointer to it.
func pointerShaped(t reflect.Type) bool {
	if t.Size() != unsafe.Sizeof(uintptr(0)) {
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return t.Len() == 1 && pointerShaped(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if pointerShaped(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// plan makes the plan of a type. within are the structs around it.
func plan(t reflect.Type, within []reflect.Type) (node, bool) {
	n := node{kind: t.Kind()}
	if marshals(t) {
		return n, false
	}
	switch n.kind {
	case reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return n, true
	case reflect.String:
		return n, t != reflect.TypeFor[json.Number]()
	case reflect.Slice, reflect.Pointer:
		if n.kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return n, false // base64
		}
		elem, ok := plan(t.Elem(), within)
		n.elem, n.size = &elem, t.Elem().Size()
		return n, ok
	case reflect.Struct:
		for _, outer := range within {
			if outer == t {
				return n, false
			}
		}
		return n, n.planFields(t, append(within, t))
	}
	return n, false
}

// marshals reports whether values of the type have a say in how they are encoded.
func marshals(t reflect.Type) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		if t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
	}
	return false
}

func (n *node) planFields(t reflect.Type, within []reflect.Type) bool {
	seen := make(map[string]bool)
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		switch {
		case f.Anonymous:
			return false
		case !f.IsExported() || tag == "-":
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		inner, ok := plan(f.Type, within)
		if !ok || !plainName(name) || seen[name] {
			return false
		}
		seen[name] = true
		planned := field{name: `"` + name + `":`, offset: f.Offset, node: inner}
		for _, option := range strings.Split(options, ",") {
			switch option {
			case "omitempty":
				planned.omitEmpty = true
			case "string", "omitzero":
				return false
			}
		}
		n.fields = append(n.fields, planned)
	}
	return true
}

// plainName reports whether a name is the same in JSON, and a valid one in a tag.
func plainName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}
