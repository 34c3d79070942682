package wasmlane

import "unsafe"

// fetch returns what a function of the host yields. It asks with the scratch
// buffer first and again with one that fits when the value is longer; a value of
// the store may have grown in between, so it goes on until it fits. A negative
// code comes without a value. The caller owns the value.
func fetch(get func(buf unsafe.Pointer, size uint32) int32) (value []byte, code int32) {
	buf := takeScratch()
	n := get(pointer(buf))
	if int(n) <= len(buf) {
		if n > 0 {
			value = append(value, buf[:n]...)
		}
		dropScratch(buf)
		return value, n
	}
	dropScratch(buf)
	for {
		value = make([]byte, n)
		n = get(pointer(value))
		if n < 0 {
			return nil, n
		}
		if int(n) <= len(value) {
			return value[:n], n
		}
	}
}

// fetchString is fetch for text; ok is false when the host answers a code.
func fetchString(get func(buf unsafe.Pointer, size uint32) int32) (value string, ok bool) {
	b, code := fetch(get)
	return unsafe.String(unsafe.SliceData(b), len(b)), code >= 0
}

// fetchAll returns the values that get yields for index 0, 1, … until it answers
// a code.
func fetchAll(get func(index uint32, buf unsafe.Pointer, size uint32) int32) []string {
	var all []string
	for index := uint32(0); ; index++ {
		value, ok := fetchString(func(buf unsafe.Pointer, size uint32) int32 { return get(index, buf, size) })
		if !ok {
			return all
		}
		all = append(all, value)
	}
}

// readAll reads a body to its end. size is its length, or negative when that is
// not known.
func readAll(size int64, read func(buf unsafe.Pointer, size uint32) int32) (body []byte, code int32) {
	if size == 0 {
		return nil, 0
	}
	body = make([]byte, 0, max(size, 512))
	for int64(len(body)) != size {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n := read(pointer(body[len(body):cap(body)]))
		if n <= 0 {
			return body, n
		}
		body = body[:len(body)+int(n)]
	}
	return body, 0
}

// pointer returns b as the two arguments that the host takes.
func pointer(b []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b))
}

// stringPointer is pointer for a string, which the host only reads.
func stringPointer(s string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}
