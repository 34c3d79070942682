package exchange

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/wasmlane/wasmlane/abi"
)

// call(target, target_len, head, head_len, body, body_len) → i32
func call(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("call")
	target := view(mem, "call", "target", stack[0], stack[1])
	head := view(mem, "call", "head", stack[2], stack[3])
	payload := view(mem, "call", "body", stack[4], stack[5])
	stack[0] = uint64(uint32(x.startCall(target, head, payload)))
}

// startCall makes the call and returns its handle, or a code.
func (x *Exchange) startCall(target, head, payload []byte) int32 {
	switch {
	case x.Caller == nil:
		return int32(abi.Denied)
	case len(head) > abi.MaxCallHead || x.openCalls() >= abi.MaxOpenCalls:
		return int32(abi.TooLarge)
	case !x.callRequest.parse(head):
		return int32(abi.Invalid)
	case x.gone():
		return int32(abi.Closed)
	}
	x.callRequest.Body = payload
	span := x.beginSpan()
	x.callRequest.inherit(x, span)
	defer x.wasWaiting(waitCall, time.Now())
	resp := fasthttp.AcquireResponse()
	code := x.Caller.Call(x, target, &x.callRequest, resp)
	if span.On() {
		x.endCall(span, target, resp.StatusCode(), code)
	}
	if code < 0 {
		fasthttp.ReleaseResponse(resp)
		return int32(code)
	}
	return int32(x.openCall(resp))
}

// call_status(handle) → i32
func callStatus(x *Exchange, _ []byte, stack []uint64) {
	x.needRequest("call_status")
	c := x.handle(stack[0])
	if c == nil {
		stack[0] = answer(abi.Invalid)
		return
	}
	stack[0] = uint64(c.resp.StatusCode())
}

// call_header(handle, name, name_len, index, buf, cap) → i32
func callHeader(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("call_header")
	name := view(mem, "call_header", "name", stack[1], stack[2])
	c := x.handle(stack[0])
	if c == nil {
		stack[0] = answer(abi.Invalid)
		return
	}
	values := c.resp.Header.PeekAll(string(name))
	index := uint64(uint32(stack[3]))
	if index >= uint64(len(values)) {
		stack[0] = answer(abi.Absent)
		return
	}
	stack[0] = give(mem, "call_header", stack[4], stack[5], values[index])
}

// call_body(handle, buf, cap) → i32
func callBody(x *Exchange, mem []byte, stack []uint64) {
	x.needRequest("call_body")
	dst := view(mem, "call_body", "buf", stack[1], stack[2])
	c := x.handle(stack[0])
	if c == nil {
		stack[0] = answer(abi.Invalid)
		return
	}
	n := copy(dst, c.resp.Body()[c.read:])
	c.read += n
	stack[0] = uint64(n)
}

// call_close(handle)
func callClose(x *Exchange, _ []byte, stack []uint64) {
	x.needRequest("call_close")
	if c := x.handle(stack[0]); c != nil {
		c.close()
	}
}
