package wasi

import (
	"errors"
	"strings"
	"testing"
)

// What a command has and other guests have not: arguments, environment, standard
// input.

func TestStrings(t *testing.T) {
	g := newGuest()
	g.environ.Add("A=", "1")
	g.environ.Add("EMPTY=")
	g.args.Add("name")
	for _, c := range []struct {
		what, block string
		starts      []uint32
	}{{"environ", "A=1\x00EMPTY=\x00", []uint32{200, 204}}, {"args", "name\x00", []uint32{200}}} {
		g.want(t, success, c.what+"_sizes_get", 8, 12)
		if g.u32(8) != uint32(len(c.starts)) || g.u32(12) != uint32(len(c.block)) {
			t.Errorf("%s: sizes are %d and %d", c.what, g.u32(8), g.u32(12))
		}
		g.want(t, success, c.what+"_get", 100, 200)
		if got := string(g.mem[200 : 200+len(c.block)]); got != c.block {
			t.Errorf("%s: got %q", c.what, got)
		}
		for i, want := range c.starts {
			if g.u32(100+4*i) != want {
				t.Errorf("%s: pointer %d is %d, want %d", c.what, i, g.u32(100+4*i), want)
			}
		}
		g.want(t, eFAULT, c.what+"_get", end-3, 200)
		g.want(t, eFAULT, c.what+"_get", 100, uint64(end-len(c.block)+1))
		g.want(t, success, c.what+"_get", 100, uint64(end-len(c.block)))
	}
}

func TestInput(t *testing.T) {
	g := newGuest()
	g.input = "some input"
	g.put(0, 1000, 3, 2000, 0, 3000, 4) // three pieces
	g.want(t, success, "fd_read", 0, 0, 3, 500)
	if got := string(g.mem[1000:1003]) + string(g.mem[3000:3004]); g.u32(500) != 7 || got != "some in" {
		t.Errorf("%d bytes, %q", g.u32(500), got)
	}
	g.want(t, eFAULT, "fd_read", 0, 0, 3, end-3) // and nothing is lost
	g.fdSub(0, 1, typeRead, 0)
	if got := g.poll(t, 1); got[0] != (polled{1, 0, typeRead, 0}) || g.u64(events+16) != 3 {
		t.Errorf("the event is %v with %d bytes", got, g.u64(events+16))
	}
	g.want(t, success, "fd_read", 0, 0, 3, 500)
	g.want(t, success, "fd_read", 0, 0, 3, 500)
	if g.u32(500) != 0 || string(g.mem[1000:1003]) != "put" {
		t.Errorf("at the end: %d bytes, %q", g.u32(500), g.mem[1000:1003])
	}
	if got := g.poll(t, 1); got[0].flags != hangup {
		t.Errorf("at the end the event is %v", got)
	}
}

// TestInputOverVectors: what is read may replace the list of where to read to.
func TestInputOverVectors(t *testing.T) {
	g := newGuest()
	g.input = strings.Repeat("\xff", 100)
	g.put(0, 8, 8, 1000, 8)
	g.want(t, eFAULT, "fd_read", 0, 0, 2, 500)
}

func TestCommandDescriptors(t *testing.T) {
	g := newGuest()
	g.command = true
	for fd, want := range []byte{unknownType, unknownType, characterDevice} {
		g.want(t, success, "fd_fdstat_get", uint64(fd), 64)
		g.want(t, success, "fd_filestat_get", uint64(fd), 128)
		if g.mem[64] != want || g.mem[128+16] != want {
			t.Errorf("descriptor %d has types %d and %d, want %d", fd, g.mem[64], g.mem[128+16], want)
		}
	}
}

// TestOutputEnds: an error of Output ends the guest.
func TestOutputEnds(t *testing.T) {
	g := newGuest()
	g.stop = errors.New("enough")
	g.put(0, 100, 5)
	defer func() {
		if r := recover(); r != g.stop {
			t.Errorf("recovered %v", r)
		}
	}()
	g.call(t, "fd_write", 1, 0, 1, 500)
}
