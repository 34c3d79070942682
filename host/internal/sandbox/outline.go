package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
)

// outlineMark names the custom section with the checksum of the whole module.
const outlineMark = "wasmlane.whole"

// trapBody is a function's code, with its size: no locals, unreachable, end. It
// is valid for every type.
const trapBody = "\x03\x00\x00\x0b"

// outline returns a valid module without its instructions: all it declares is
// there, and every function only traps. Of different modules it is different.
//
// This is what the engine gets when the machine code is there already. It would
// validate all instructions again and keep them, though it runs none of them:
// half of the time that a large module takes to load, and as many bytes of memory
// as it has instructions. That no outline is ever run is the care of fromCache.
func outline(wasm []byte) ([]byte, error) {
	out := make([]byte, 0, len(wasm)/2)
	from := 0
	for at := len("\x00asm\x01\x00\x00\x00"); at < len(wasm); {
		head := &reader{b: wasm, at: at, end: len(wasm)}
		id, size := head.byte(), head.count("bytes of a section")
		if head.err != nil {
			return nil, head.err
		}
		end := head.at + size
		if id == 10 {
			body := &reader{b: wasm, at: head.at, end: end}
			count := body.count("functions")
			if body.err != nil {
				return nil, body.err
			}
			out = append(out, wasm[from:at]...)
			from = end
			n := binary.AppendUvarint(nil, uint64(count))
			out = append(out, id)
			out = binary.AppendUvarint(out, uint64(len(n)+count*len(trapBody)))
			out = append(out, n...)
			for range count {
				out = append(out, trapBody...)
			}
		}
		at = end
	}
	out = append(out, wasm[from:]...)
	sum := sha256.Sum256(wasm)
	return appendCustom(out, outlineMark, sum[:]), nil
}

// appendCustom appends a custom section to a module.
func appendCustom(wasm []byte, name string, content []byte) []byte {
	n := binary.AppendUvarint(nil, uint64(len(name)))
	wasm = binary.AppendUvarint(append(wasm, 0), uint64(len(n)+len(name)+len(content)))
	return append(append(append(wasm, n...), name...), content...)
}
