package sandbox

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// checkHeader refuses what is no core WebAssembly module, and says what it
// looks like instead: the wrong file in a plugin directory is the commonest
// mistake, and "invalid magic number" sends nobody the right way.
func checkHeader(b []byte) error {
	magic := []byte("\x00asm")
	switch {
	case len(b) == 0:
		return &refusal{text: "the file is empty, not a WebAssembly module", kind: ErrTruncated}
	case len(b) < 8 && bytes.HasPrefix([]byte("\x00asm\x01\x00\x00\x00"), b):
		return truncatedf("%d bytes, the header alone has 8", len(b))
	case !bytes.HasPrefix(b, magic):
		return refusef("not a WebAssembly module: it looks like %s", looksLike(b))
	case len(b) < 8:
		return truncatedf("%d bytes, the header alone has 8", len(b))
	}
	version, layer := binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])
	switch {
	case layer == 1:
		return refusef("the file is a WebAssembly component (layer 1), this host runs core modules; build for wasip1, not wasip2, or extract the core module")
	case layer != 0 || version != 1:
		return refusef("unknown WebAssembly version %d, layer %d; this host runs version 1, layer 0", version, layer)
	}
	return nil
}

// looksLike names the kind of file that starts with b.
func looksLike(b []byte) string {
	for _, k := range []struct{ prefix, kind string }{
		{"\x1f\x8b", "gzip data; decompress it first"},
		{"\x28\xb5\x2f\xfd", "zstd data; decompress it first"},
		{"\xfd7zXZ\x00", "xz data; decompress it first"},
		{"BZh", "bzip2 data; decompress it first"},
		{"PK\x03\x04", "a zip archive"},
		{"\x7fELF", "an ELF program for this or another machine; build for wasm"},
		{"MZ", "a Windows program; build for wasm"},
		{"\xcf\xfa\xed\xfe", "a macOS program; build for wasm"},
		{"\xca\xfe\xba\xbe", "a macOS or Java program; build for wasm"},
		{"BC\xc0\xde", "LLVM bitcode; link it to a module first"},
		{"!<arch>\n", "a static library; link it to a module first"},
		{"version https://git-lfs", "a Git LFS pointer; run git lfs pull"},
		{"#!", "a script"},
		{"<", "HTML or XML"},
	} {
		if bytes.HasPrefix(b, []byte(k.prefix)) {
			return k.kind
		}
	}
	head := b[:min(len(b), 512)]
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case bytes.HasPrefix(trimmed, []byte("(module")) || bytes.HasPrefix(trimmed, []byte(";;")):
		return "the text format of WebAssembly; assemble it with wat2wasm"
	case isText(head):
		return "text"
	case len(bytes.Trim(head, "\x00")) == 0:
		return "nothing but zero bytes"
	}
	return "other binary data"
}

// isText reports whether b is UTF-8, perhaps cut in its last character, without
// control characters.
func isText(b []byte) bool {
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		switch {
		case c == utf8.RuneError && n == 1:
			return !utf8.FullRune(b)
		case c < ' ' && c != '\n' && c != '\r' && c != '\t':
			return false
		}
		b = b[n:]
	}
	return true
}
