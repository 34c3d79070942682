package exchange

import "github.com/wasmlane/wasmlane/abi"

// request(field, buf, cap) → i32
func request(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("request")
	r := &x.Request
	var value []byte
	switch abi.Field(uint32(stack[0])) {
	case abi.FieldMethod:
		value = r.Method
	case abi.FieldPath:
		x.scratch = appendDecoded(x.scratch[:0], r.Path)
		value = x.scratch
	case abi.FieldQuery:
		value = r.Query
	case abi.FieldTarget:
		value = r.Target
	case abi.FieldHost:
		value = r.Host
	case abi.FieldScheme:
		x.scratch = append(x.scratch[:0], r.Scheme...)
		value = x.scratch
	case abi.FieldRemoteAddr:
		x.scratch = r.appendRemote(x.scratch[:0])
		value = x.scratch
	case abi.FieldProtocol:
		value = r.Protocol
	case abi.FieldRoute:
		x.scratch = append(x.scratch[:0], x.Route...)
		value = x.scratch
	case abi.FieldRequestID:
		value = r.ID
	default:
		stack[0] = answer(abi.Invalid)
		return
	}
	stack[0] = give(mem, "request", stack[1], stack[2], value)
}

// param(name, name_len, buf, cap) → i32
func param(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("param")
	name := view(mem, "param", "name", stack[0], stack[1])
	if x.Params == nil {
		stack[0] = answer(abi.Absent)
		return
	}
	value, ok := x.Params.Get(name)
	if !ok {
		stack[0] = answer(abi.Absent)
		return
	}
	stack[0] = give(mem, "param", stack[2], stack[3], value)
}

// query(name, name_len, index, buf, cap) → i32
func query(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("query")
	name := view(mem, "query", "name", stack[0], stack[1])
	value, ok := appendQuery(x.scratch[:0], x.Request.Query, name, uint32(stack[2]))
	x.scratch = value
	if !ok {
		stack[0] = answer(abi.Absent)
		return
	}
	stack[0] = give(mem, "query", stack[3], stack[4], value)
}

// header(name, name_len, index, buf, cap) → i32
func header(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("header")
	name := view(mem, "header", "name", stack[0], stack[1])
	value, ok := x.Request.Head.get(name, uint32(stack[2]))
	if !ok {
		stack[0] = answer(abi.Absent)
		return
	}
	stack[0] = give(mem, "header", stack[3], stack[4], value)
}

// header_name(index, buf, cap) → i32
func headerName(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("header_name")
	name, ok := x.Request.Head.name(uint32(stack[0]))
	if !ok {
		stack[0] = answer(abi.Absent)
		return
	}
	stack[0] = give(mem, "header_name", stack[1], stack[2], name)
}

// body_size() → i64
func bodySize(x *Exchange, _ []byte, stack []uint64) {
	x.needRequest("body_size")
	stack[0] = uint64(x.Request.BodySize)
}

// body(buf, cap) → i32
func body(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("body")
	dst := view(mem, "body", "buf", stack[0], stack[1])
	n := copy(dst, x.Request.Body[x.bodyRead:])
	x.bodyRead += n
	stack[0] = uint64(n)
}
