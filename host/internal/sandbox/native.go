package sandbox

import (
	"reflect"

	"github.com/tetratelabs/wazero/api"
)

// What a guest makes the engine allocate outside of linear memory: native stacks
// and references to functions. The engine keeps both for as long as the instance
// lives and has no accessor for them, so their sizes are read by reflection. If
// another version of the engine hides them, they count as nothing, and the test
// of this file fails.

const (
	// keepStack is up to how large a native stack is kept for the next call.
	keepStack = 256 << 10
	// maxStack is how large a native stack may be when the guest yields. Metering
	// counts estimates and ends a guest long before; this is for one whose frames
	// are much larger than they look.
	maxStack = 4 << 20
	// maxReferences is how many references to functions an instance may make:
	// each ref.func allocates about 50 bytes.
	maxReferences = 1 << 20
	// keepReferences is how many more an instance may have than it had when it
	// was made, to be used again.
	keepReferences = 1 << 12
)

// entry is a function of an instance that was called, with its native stack.
type entry struct {
	name     string
	function api.Function
	stack    reflect.Value // a slice
}

func newEntry(name string, f api.Function) *entry {
	return &entry{name, f, field(reflect.ValueOf(f), "stack")}
}

// stackSize returns how many bytes of native stack the function holds.
func (e *entry) stackSize() int { return length(e.stack) }

// referencesOf returns the list of references that an instance has made, given
// one of its functions.
func referencesOf(f api.Function) reflect.Value {
	return field(field(reflect.ValueOf(f), "parent"), "localFunctionInstances")
}

// field returns a field of what v points to, or nothing.
func field(v reflect.Value, name string) reflect.Value {
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		return v.Elem().FieldByName(name)
	}
	return reflect.Value{}
}

// length returns the length of a slice, 0 for nothing.
func length(v reflect.Value) int {
	if v.Kind() != reflect.Slice {
		return 0
	}
	return v.Len()
}
