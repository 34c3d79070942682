//go:build wasip1 && !tinygo

package wasmlane

// Go's allocator keeps objects of one size, with and without pointers, in a span
// of their own, and makes the span when the first such object is asked for: half a
// dozen pages of bookkeeping change each time. Every request starts from the memory
// as it is after initialisation, so that without this every request would make the
// spans again that it needs. It takes an eighth of a megabyte of the image, once for
// all instances, and saves a handler that uses JSON a fifth of the pages and of
// the time.

func init() {
	for _, size := range sizeClasses {
		warm.bytes = make([]byte, size)
		warm.pointers = make([]*byte, size/8)
	}
	warm.bytes, warm.pointers = nil, nil
}

// sizeClasses are those of the allocator, up to what handlers use often.
var sizeClasses = [...]uint16{
	8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256,
	288, 320, 352, 384, 416, 448, 480, 512,
}

// warm makes the objects escape to the heap.
var warm struct {
	bytes    []byte
	pointers []*byte
}
