package meter

import (
	"errors"
	"math"
	"testing"
)

func TestNumbersRoundTrip(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 63, 64, -64, -65, 127, 128, 1 << 20, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		b := appendSigned(nil, n)
		r := reader{b: b, end: len(b)}
		if got := r.signed(64); got != n || r.err != nil || r.left() != 0 {
			t.Errorf("%d as %x is read as %d, %v", n, b, got, r.err)
		}
		if u := uint32(n); true {
			b := appendU32(nil, u)
			r := reader{b: b, end: len(b)}
			if got := r.u32(); got != u || r.err != nil || r.left() != 0 {
				t.Errorf("%d as %x is read as %d, %v", u, b, got, r.err)
			}
		}
	}
}

func TestNumbersThatAreRefused(t *testing.T) {
	for name, read := range map[string]func(r *reader){
		"\x80\x80\x80\x80\x80\x00": func(r *reader) { r.u32() },      // six bytes
		"\x80\x80\x80\x80\x10":     func(r *reader) { r.u32() },      // 33 bits
		"\x80":                     func(r *reader) { r.u32() },      // cut off
		"\x80\x80\x80\x80\x08":     func(r *reader) { r.signed(32) }, // 2^31
		"\xff\xff\xff\xff\x77":     func(r *reader) { r.signed(32) }, // below -2^31
		"\x05ab":                   func(r *reader) { r.name() },
		"\x02\xff\xff":             func(r *reader) { r.name() }, // not UTF-8
		"\x03":                     func(r *reader) { r.count("things") },
	} {
		r := &reader{b: []byte(name), end: len(name)}
		if read(r); !errors.Is(r.err, ErrMalformed) {
			t.Errorf("%x: %v", name, r.err)
		}
		first := r.err
		if r.u32(); r.err != first || r.left() != 0 {
			t.Errorf("%x: reading went on after the error", name)
		}
	}
}

func TestState(t *testing.T) {
	s := NewState(5)
	if FuelLeft(s) != 5 || StackSpent(s) {
		t.Errorf("%#x: fuel %d, %v", s, FuelLeft(s), StackSpent(s))
	}
	s -= 7<<stackBits + 100
	if FuelLeft(s) != -2 || StackSpent(s) {
		t.Errorf("%#x: fuel %d, %v", s, FuelLeft(s), StackSpent(s))
	}
	if s = Refill(s, 9) + 100; s != NewState(9) {
		t.Errorf("refilled it is %#x, not %#x", s, NewState(9))
	}
	if s -= stackUnits; StackSpent(s) {
		t.Error("the whole stack is too much")
	}
	if s--; !StackSpent(s) {
		t.Error("one more than the whole stack is not too much")
	}
}

func TestUnitsCoverTheLimit(t *testing.T) {
	for _, limit := range []int{1, 1000, 1 << 16, DefaultStackLimit, 1 << 30} {
		o := Options{StackLimit: limit}
		for _, bytes := range []int64{1, 47, 64, 5000} {
			frames := stackUnits / o.units(bytes)
			if used := frames * bytes; used > int64(limit) && frames > 1 {
				t.Errorf("limit %d: %d frames of %d bytes fit", limit, frames, bytes)
			}
		}
	}
}
