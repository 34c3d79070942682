package meter

import "encoding/binary"

// Writing numbers and names as the binary format has them.

func appendU32(b []byte, n uint32) []byte { return binary.AppendUvarint(b, uint64(n)) }

// appendSigned encodes a number as signed LEB128.
func appendSigned(b []byte, n int64) []byte {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte { return append(appendU32(b, uint32(len(s))), s...) }

func appendBytes(b, content []byte) []byte {
	return append(appendU32(b, uint32(len(content))), content...)
}

// appendSection adds a section, unless it is empty.
func appendSection(b []byte, id byte, content []byte) []byte {
	if len(content) == 0 {
		return b
	}
	return appendBytes(append(b, id), content)
}

// appendList encodes a list whose items are already encoded, one after another.
// An empty list is no content at all.
func appendList(count int, items []byte) []byte {
	if count == 0 {
		return nil
	}
	return append(appendU32(nil, uint32(count)), items...)
}
