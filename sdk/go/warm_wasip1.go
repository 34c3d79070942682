//go:build wasip1 && !tinygo

package wasmlane

import "unsafe"

// Go's allocator keeps objects of one size, with and without pointers, in a span
// of their own, and makes the span when the first such object is asked for: half a
// dozen pages of bookkeeping change each time. Every request starts from the memory
// as it is after initialisation, so that without this every request would make the
// spans again that it needs.
//
// It also counts which pages those that are there lie on, because each page that a
// request writes costs the host a copy. The spans' headers are made in one go, those
// of the sizes that handlers use most first, so that they are neighbours. And where
// objects have pointers, the next one lies in the second page of its span, which has
// the span's map of pointers at its end.
//
// It takes a quarter of a megabyte of the image, once for all instances, and saves
// a third of what a request costs that is answered with a little JSON.

func init() {
	for _, size := range sizeClasses {
		warmUp(func() unsafe.Pointer {
			warm.bytes = make([]byte, size)
			return unsafe.Pointer(&warm.bytes[0])
		}, 0)
		warmUp(func() unsafe.Pointer {
			warm.pointers = make([]*byte, size/8)
			return unsafe.Pointer(&warm.pointers[0])
		}, spanSize/2)
	}
	warm.bytes, warm.pointers = nil, nil
}

// warmUp allocates until it gets an object in a new span, at an offset or after.
func warmUp(allocate func() unsafe.Pointer, offset uintptr) {
	at := uintptr(allocate())
	for first := at / spanSize; at/spanSize == first || at%spanSize < offset; {
		at = uintptr(allocate())
	}
}

// spanSize is that of the spans of all these size classes: two pages of the host.
const spanSize = 8192

// sizeClasses are those of the allocator, up to what handlers use often.
var sizeClasses = [...]uint16{
	16, 24, 32, 48, 64, 8, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256,
	288, 320, 352, 384, 416, 448, 480, 512,
}

// warm makes the objects escape to the heap.
var warm struct {
	bytes    []byte
	pointers []*byte
}
