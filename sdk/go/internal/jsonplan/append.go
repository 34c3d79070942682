package jsonplan

import (
	"encoding/json"
	"reflect"
	"strconv"
	"unsafe"
)

// Append appends v, which must be of the plan's type, to dst. It returns false for
// what has no JSON, such as a NaN: encoding/json tells why.
func (p *Plan) Append(dst []byte, v any) ([]byte, bool) {
	value := (*iface)(unsafe.Pointer(&v))
	if p.node.kind == reflect.Pointer { // it is in the interface itself
		return p.node.append(dst, unsafe.Pointer(&value.data))
	}
	return p.node.append(dst, value.data)
}

func (n *node) append(dst []byte, at unsafe.Pointer) ([]byte, bool) {
	switch n.kind {
	case reflect.String:
		return appendString(dst, *(*string)(at)), true
	case reflect.Bool:
		return strconv.AppendBool(dst, *(*bool)(at)), true
	case reflect.Int:
		return strconv.AppendInt(dst, int64(*(*int)(at)), 10), true
	case reflect.Int8:
		return strconv.AppendInt(dst, int64(*(*int8)(at)), 10), true
	case reflect.Int16:
		return strconv.AppendInt(dst, int64(*(*int16)(at)), 10), true
	case reflect.Int32:
		return strconv.AppendInt(dst, int64(*(*int32)(at)), 10), true
	case reflect.Int64:
		return strconv.AppendInt(dst, *(*int64)(at), 10), true
	case reflect.Uint:
		return strconv.AppendUint(dst, uint64(*(*uint)(at)), 10), true
	case reflect.Uint8:
		return strconv.AppendUint(dst, uint64(*(*uint8)(at)), 10), true
	case reflect.Uint16:
		return strconv.AppendUint(dst, uint64(*(*uint16)(at)), 10), true
	case reflect.Uint32:
		return strconv.AppendUint(dst, uint64(*(*uint32)(at)), 10), true
	case reflect.Uint64:
		return strconv.AppendUint(dst, *(*uint64)(at), 10), true
	case reflect.Uintptr:
		return strconv.AppendUint(dst, uint64(*(*uintptr)(at)), 10), true
	case reflect.Float32:
		return appendOther(dst, *(*float32)(at))
	case reflect.Float64:
		return appendOther(dst, *(*float64)(at))
	case reflect.Pointer:
		to := *(*unsafe.Pointer)(at)
		if to == nil {
			return append(dst, "null"...), true
		}
		return n.elem.append(dst, to)
	case reflect.Slice:
		return n.appendSlice(dst, at)
	}
	return n.appendStruct(dst, at)
}

func (n *node) appendStruct(dst []byte, at unsafe.Pointer) (_ []byte, ok bool) {
	open := byte('{')
	for i := range n.fields {
		f := &n.fields[i]
		from := unsafe.Add(at, f.offset)
		if f.omitEmpty && f.node.empty(from) {
			continue
		}
		dst = append(append(dst, open), f.name...)
		if f.node.kind == reflect.String { // most are
			dst = appendString(dst, *(*string)(from))
		} else if dst, ok = f.node.append(dst, from); !ok {
			return dst, false
		}
		open = ','
	}
	if open == '{' {
		dst = append(dst, open)
	}
	return append(dst, '}'), true
}

func (n *node) appendSlice(dst []byte, at unsafe.Pointer) (_ []byte, ok bool) {
	// The header of any slice; only its length and address are used.
	s := *(*[]byte)(at)
	if s == nil {
		return append(dst, "null"...), true
	}
	dst = append(dst, '[')
	for i := range len(s) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, ok = n.elem.append(dst, unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), uintptr(i)*n.size)); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

// empty reports whether a value is one that omitempty leaves out.
func (n *node) empty(at unsafe.Pointer) bool {
	switch n.kind {
	case reflect.String:
		return *(*string)(at) == ""
	case reflect.Slice:
		return len(*(*[]byte)(at)) == 0
	case reflect.Pointer:
		return *(*unsafe.Pointer)(at) == nil
	case reflect.Float32:
		return *(*float32)(at) == 0
	case reflect.Float64:
		return *(*float64)(at) == 0
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return *(*uint8)(at) == 0
	case reflect.Int16, reflect.Uint16:
		return *(*uint16)(at) == 0
	case reflect.Int32, reflect.Uint32:
		return *(*uint32)(at) == 0
	case reflect.Int64, reflect.Uint64:
		return *(*uint64)(at) == 0
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return *(*uint)(at) == 0
	}
	return false
}

// appendString appends s in quotes. What needs an escape is left to encoding/json,
// which escapes HTML as well, and replaces what is no UTF-8.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			dst, _ = appendOther(dst, s) // a string has no error
			return dst
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// appendOther appends what encoding/json makes of v.
func appendOther(dst []byte, v any) ([]byte, bool) {
	text, err := json.Marshal(v)
	return append(dst, text...), err == nil
}
