//go:build !wasip1

package wasmlane

import (
	"unsafe"

	"github.com/wasmlane/wasmlane/sdk/go/internal/native"
)

// The functions of imports_wasip1.go for go test: they hand on to the host that
// package lanetest has put in place.

func view(ptr unsafe.Pointer, size uint32) []byte { return unsafe.Slice((*byte)(ptr), size) }

func text(ptr unsafe.Pointer, size uint32) string { return string(view(ptr, size)) }

func hostRequest(field uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().Request(field, view(buf, size))
}

func hostParam(name unsafe.Pointer, nameLen uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().Param(text(name, nameLen), view(buf, size))
}

func hostQuery(name unsafe.Pointer, nameLen uint32, index uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().Query(text(name, nameLen), index, view(buf, size))
}

func hostHeader(name unsafe.Pointer, nameLen uint32, index uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().Header(text(name, nameLen), index, view(buf, size))
}

func hostHeaderName(index uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().HeaderName(index, view(buf, size))
}

func hostBodySize() int64 { return native.Current().BodySize() }

func hostBody(buf unsafe.Pointer, size uint32) int32 {
	return native.Current().Body(view(buf, size))
}

func hostStatus(code uint32) { native.Current().Status(code) }

func hostSetHeader(name unsafe.Pointer, nameLen uint32, value unsafe.Pointer, valueLen uint32) int32 {
	return native.Current().SetHeader(text(name, nameLen), text(value, valueLen))
}

func hostAddHeader(name unsafe.Pointer, nameLen uint32, value unsafe.Pointer, valueLen uint32) int32 {
	return native.Current().AddHeader(text(name, nameLen), text(value, valueLen))
}

func hostWrite(ptr unsafe.Pointer, size uint32) int32 {
	return native.Current().Write(view(ptr, size))
}

func hostFlush() int32 { return native.Current().Flush() }

func hostLog(level uint32, ptr unsafe.Pointer, size uint32) {
	native.Current().Log(level, text(ptr, size))
}

func hostConfig(key unsafe.Pointer, keyLen uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().Config(text(key, keyLen), view(buf, size))
}

func hostKVGet(key unsafe.Pointer, keyLen uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().KVGet(text(key, keyLen), view(buf, size))
}

func hostKVSet(key unsafe.Pointer, keyLen uint32, value unsafe.Pointer, valueLen uint32) int32 {
	return native.Current().KVSet(text(key, keyLen), text(value, valueLen))
}

func hostKVDelete(key unsafe.Pointer, keyLen uint32) int32 {
	return native.Current().KVDelete(text(key, keyLen))
}

func hostKVAdd(key unsafe.Pointer, keyLen uint32, delta int64, result unsafe.Pointer) int32 {
	sum, code := native.Current().KVAdd(text(key, keyLen), delta)
	if code >= 0 {
		*(*int64)(result) = sum
	}
	return code
}

func hostKVSwap(key unsafe.Pointer, keyLen uint32, old unsafe.Pointer, oldLen int32, value unsafe.Pointer, valueLen uint32) int32 {
	var want string
	if oldLen >= 0 {
		want = text(old, uint32(oldLen))
	}
	return native.Current().KVSwap(text(key, keyLen), want, oldLen < 0, text(value, valueLen))
}

func hostKVList(prefix unsafe.Pointer, prefixLen uint32, after unsafe.Pointer, afterLen uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().KVList(text(prefix, prefixLen), text(after, afterLen), view(buf, size))
}

func hostCall(target unsafe.Pointer, targetLen uint32, head unsafe.Pointer, headLen uint32, body unsafe.Pointer, bodyLen uint32) int32 {
	return native.Current().Call(text(target, targetLen), text(head, headLen), text(body, bodyLen))
}

func hostCallStatus(handle int32) int32 { return native.Current().CallStatus(handle) }

func hostCallHeader(handle int32, name unsafe.Pointer, nameLen uint32, index uint32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().CallHeader(handle, text(name, nameLen), index, view(buf, size))
}

func hostCallBody(handle int32, buf unsafe.Pointer, size uint32) int32 {
	return native.Current().CallBody(handle, view(buf, size))
}

func hostCallClose(handle int32) { native.Current().CallClose(handle) }
