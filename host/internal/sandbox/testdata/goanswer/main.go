//go:build wasip1

// Command goanswer is the handler that the figures are about: one parameter in;
// status, one header and 70 bytes of JSON out.
package main

import "unsafe"

func main() {}

//go:wasmimport bench param
func param(name unsafe.Pointer, nameLen uint32, buf unsafe.Pointer, size uint32) int32

//go:wasmimport bench status
func status(code uint32)

//go:wasmimport bench set_header
func setHeader(name unsafe.Pointer, nameLen uint32, value unsafe.Pointer, valueLen uint32) int32

//go:wasmimport bench write
func write(p unsafe.Pointer, n uint32) int32

// warm does once what every request does, so that the runtime has done its part
// when the image is taken: the first allocations of a size set up its lists.
//
//go:wasmexport wasmlane_init
func warm() {
	id = new([32]byte)
	out = body(append(id[:0], "warm"...))
}

var (
	id  *[32]byte
	out []byte
)

// body is 70 bytes of JSON or so.
func body(id []byte) []byte {
	b := make([]byte, 0, 80)
	b = append(b, `{"id":"`...)
	b = append(b, id...)
	return append(b, `","name":"somebody","greeting":"hello from a guest in Go"}`...)
}

//go:wasmexport answer
func answer() {
	name, key, value := "id", "content-type", "application/json"
	id = new([32]byte)
	n := param(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(id), uint32(len(id)))
	if n < 0 {
		status(404)
		return
	}
	out = body(id[:n])
	status(200)
	setHeader(unsafe.Pointer(unsafe.StringData(key)), uint32(len(key)), unsafe.Pointer(unsafe.StringData(value)), uint32(len(value)))
	write(unsafe.Pointer(unsafe.SliceData(out)), uint32(len(out)))
}
