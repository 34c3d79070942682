package sandbox

import (
	"bytes"
	"slices"
	"testing"

	wt "github.com/wasmlane/wasmlane/host/internal/sandbox/wasmtest"
)

type segment struct {
	offset int32
	bytes  string
}

func withData(segments []segment) *wt.Module {
	m := wt.New().Memory(2, -1)
	m.Handler("hello")
	for _, s := range segments {
		m.Data(s.offset, []byte(s.bytes))
	}
	return m
}

// Joined or not, memory is the same.
func TestMergeData(t *testing.T) {
	r := newRuntime(t, Options{})
	for name, c := range map[string]struct {
		segments []segment
		want     int // segments that are left
	}{
		"none":                {nil, 0},
		"one":                 {[]segment{{5, "a"}}, 1},
		"neighbours":          {[]segment{{5, "abc"}, {8, "def"}, {20, "g"}}, 1},
		"empty ones":          {[]segment{{5, ""}, {8, ""}, {20, "g"}, {21, ""}}, 1},
		"a large gap":         {[]segment{{5, "abc"}, {8 + maxDataGap, "d"}, {70_000, "e"}, {70_010, "f"}}, 2},
		"descending":          {[]segment{{500, "abc"}, {8, "def"}, {20, "g"}}, 2},
		"overlapping":         {[]segment{{5, "abcdef"}, {7, "xy"}, {20, "g"}}, 3},
		"right after":         {[]segment{{100, "abc"}, {90, "0123456789"}, {100, "xyz"}}, 2},
		"over an earlier one": {[]segment{{100, "abc"}, {0, "d"}, {50, "e"}, {150, "f"}}, 3},
		"far and wide":        {[]segment{{0, "a"}, {63, "b"}, {64, "c"}, {8191, "d"}, {8192, "e"}, {131_071, "f"}}, 3},
	} {
		wasm := withData(c.segments).Bytes()
		l, err := parse(wasm)
		if err != nil {
			t.Fatal(err)
		}
		merged := mergeData(wasm, l)
		after, err := parse(merged)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(after.data) != c.want {
			t.Errorf("%s: %d segments are left, want %d", name, len(after.data), c.want)
		}
		want := make([]byte, 128<<10)
		for _, s := range c.segments {
			copy(want[s.offset:], s.bytes)
		}
		p := newPool(t, load(t, r, wasm), PoolOptions{})
		if i := get(t, p); !bytes.Equal(i.memory.buf, want) {
			t.Errorf("%s: memory differs", name)
		}
	}
}

func TestDataThatIsNotMerged(t *testing.T) {
	wasm := withData([]segment{{5, "a"}, {6, "b"}}).Bytes()
	named := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), wt.Section(12, []byte{2}), wt.Section(11, slices.Concat(
		[]byte{2}, []byte{0, 0x41, 0, 0x0b, 1, 'a'}, []byte{0, 0x41, 1, 0x0b, 1, 'b'})))
	passive := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), wt.Section(11, slices.Concat(
		[]byte{2}, []byte{0, 0x41, 0, 0x0b, 1, 'a'}, []byte{1, 1, 'b'})))
	computed := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), wt.Section(11, slices.Concat(
		[]byte{2}, []byte{0, 0x41, 0, 0x41, 1, 0x6a, 0x0b, 1, 'a'}, []byte{0, 0x41, 2, 0x0b, 1, 'b'})))
	for _, c := range []struct {
		wasm []byte
		same bool
	}{{wasm, false}, {named, true}, {passive, true}, {computed, true}} {
		l, err := parse(c.wasm)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Equal(mergeData(c.wasm, l), c.wasm); got != c.same {
			t.Errorf("%x: unchanged is %v, want %v", c.wasm, got, c.same)
		}
	}
}

func TestConstants(t *testing.T) {
	for _, n := range []int32{0, 1, -1, 63, 64, -64, -65, 8191, 8192, 1<<31 - 1, -1 << 31} {
		e := append(wt.I32Const(n), 0x0b)
		r := &reader{b: e, end: len(e)}
		if v, ok := r.constant(); !ok || int32(v) != n {
			t.Errorf("%d is read as %d, %v", n, int32(v), ok)
		}
		if got := appendSigned([]byte{0x41}, n); !bytes.Equal(got, e[:len(e)-1]) {
			t.Errorf("%d is written as %x, want %x", n, got, e)
		}
	}
}
