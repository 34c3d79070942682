package abi

// Type is the type of a parameter or result, encoded as in the WebAssembly
// binary format.
type Type byte

// The types that the ABI uses.
const (
	I32 Type = 0x7f
	I64 Type = 0x7e
)

// String returns the type's name in the text format.
func (t Type) String() string {
	if t == I64 {
		return "i64"
	}
	return "i32"
}

// Group says what a function is about, and with that which grant it needs.
type Group string

// The groups. Those without a Grant are open to every plugin.
const (
	Request  Group = "request"
	Response Group = "response"
	Platform Group = "platform"
	Store    Group = "store"
	Calls    Group = "calls"
)

// Grant returns the line of host.toml that opens the group to a plugin, or ""
// when the group is open to all.
func (g Group) Grant() string {
	switch g {
	case Store:
		return `store = "NAME"`
	case Calls:
		return `calls = ["SERVICE"]`
	}
	return ""
}

// Param is one parameter of a function.
type Param struct {
	Name string
	Type Type
}

// Function is one import of [Module].
type Function struct {
	Name   string
	Group  Group
	Params []Param
	Result Type // 0 when the function returns nothing
}

// Functions returns every function of the ABI, in the order of the
// specification. The caller owns the slice.
func Functions() []Function {
	const none = Type(0)
	return []Function{
		fn("request", Request, I32, "field", "buf", "cap"),
		fn("param", Request, I32, "name", "name_len", "buf", "cap"),
		fn("query", Request, I32, "name", "name_len", "index", "buf", "cap"),
		fn("header", Request, I32, "name", "name_len", "index", "buf", "cap"),
		fn("header_name", Request, I32, "index", "buf", "cap"),
		fn("body_size", Request, I64),
		fn("body", Request, I32, "buf", "cap"),

		fn("status", Response, none, "code"),
		fn("set_header", Response, I32, "name", "name_len", "value", "value_len"),
		fn("add_header", Response, I32, "name", "name_len", "value", "value_len"),
		fn("write", Response, I32, "ptr", "len"),
		fn("flush", Response, I32),

		fn("log", Platform, none, "level", "ptr", "len"),
		fn("config", Platform, I32, "key", "key_len", "buf", "cap"),

		fn("kv_get", Store, I32, "key", "key_len", "buf", "cap"),
		fn("kv_set", Store, I32, "key", "key_len", "value", "value_len"),
		fn("kv_delete", Store, I32, "key", "key_len"),
		fn("kv_add", Store, I32, "key", "key_len", "delta", "result"),
		fn("kv_swap", Store, I32, "key", "key_len", "old", "old_len", "new", "new_len"),
		fn("kv_list", Store, I32, "prefix", "prefix_len", "after", "after_len", "buf", "cap"),

		fn("call", Calls, I32, "target", "target_len", "head", "head_len", "body", "body_len"),
		fn("call_status", Calls, I32, "handle"),
		fn("call_header", Calls, I32, "handle", "name", "name_len", "index", "buf", "cap"),
		fn("call_body", Calls, I32, "handle", "buf", "cap"),
		fn("call_close", Calls, none, "handle"),
	}
}

// Lookup returns the function of that name.
func Lookup(name string) (Function, bool) {
	for _, f := range Functions() {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}

// fn describes a function whose parameters are all i32 but for "delta", the one
// 64-bit parameter of the ABI.
func fn(name string, group Group, result Type, params ...string) Function {
	f := Function{Name: name, Group: group, Result: result}
	for _, p := range params {
		t := I32
		if p == "delta" {
			t = I64
		}
		f.Params = append(f.Params, Param{p, t})
	}
	return f
}
