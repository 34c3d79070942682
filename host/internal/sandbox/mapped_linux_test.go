package sandbox

import (
	"bytes"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// bound lowers how many mappings a Runtime may have.
func bound(t *testing.T, r *Runtime, n int64) {
	t.Helper()
	s, ok := r.space.(*mappedSpace)
	if !ok {
		t.Skip("this system does not tell which pages were written")
	}
	s.limit = n
}

func TestMappingLimit(t *testing.T) {
	for most, want := range map[int64]int64{65530: 56315, 1000: 500, 2: 1} {
		if got := mappingLimit(most); got != want {
			t.Errorf("of %d: %d, want %d", most, got, want)
		}
	}
}

func TestPageList(t *testing.T) {
	var l pageList
	for _, r := range []pageRange{{0, 1}, {1, 3}, {4, 5}, {5, 6}, {8, 9}} {
		l = l.add(r.start, r.end)
	}
	if len(l) != 3 || l[0] != (pageRange{0, 3}) || l[1] != (pageRange{4, 6}) || l[2] != (pageRange{8, 9}) {
		t.Errorf("got %v", l)
	}
}

// residentOf returns how many bytes of an idle instance's memory are its own. On
// the heap it is all, which no budget is about.
func residentOf(t *testing.T, i *Instance) int {
	t.Helper()
	r, ok := i.memory.region.(*mappedRegion)
	if !ok {
		return 0
	}
	found, err := r.space.dirty.find(r.all[:r.open], nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range found {
		n += d.end - d.start
	}
	return n
}

// Each page that becomes private shows in the count, whoever writes it.
func TestFaultCount(t *testing.T) {
	s, err := openMapped(ResetByScan)
	if err != nil {
		t.Skipf("it needs Linux 6.7 or later: %v", err)
	}
	defer s.dirty.close()
	if !s.faults.works {
		t.Skip("this kernel does not count page faults")
	}
	page := os.Getpagesize()
	img, err := s.capture(bytes.Repeat([]byte{7}, 64*page))
	if err != nil {
		t.Fatal(err)
	}
	defer img.free()
	r, err := s.reserve(uint64(64 * page))
	if err != nil {
		t.Fatal(err)
	}
	defer r.free()
	b, err := r.attach(img)
	if err != nil {
		t.Fatal(err)
	}
	c := faultClock{works: true}
	usage := new(unix.Rusage)
	last, ok := c.after(c.now(), usage)
	if !ok || last <= 0 {
		t.Fatalf("%d faults, %v", last, ok)
	}
	for at := 0; at < len(b); at += page {
		if at%(2*page) == 0 {
			_ = b[at] // mapped for reading before
		}
		done := make(chan bool)
		go func() { // on another thread
			runtime.LockOSThread() // which ends with it
			b[at] = 1
			close(done)
		}()
		<-done
		now, ok := c.after(c.now(), usage)
		if !ok || now <= last {
			t.Fatalf("the write at %d does not show: %d faults, before it %d", at, now, last)
		}
		last = now
	}
}

// One reading is about all moments before it, and about none after.
func TestReadingsOfTheFaultCount(t *testing.T) {
	c := faultClock{works: true}
	usage := new(unix.Rusage)
	first := c.now()
	if c.settled(first) {
		t.Error("settled without a reading")
	}
	if _, ok := c.after(first, usage); !ok {
		t.Fatal("no reading")
	}
	second := c.now()
	if !c.settled(first) || c.settled(second) {
		t.Errorf("after a reading: %v %v", c.settled(first), c.settled(second))
	}
	begun := c.begun.Load()
	count, ok := c.after(first, usage)
	if !ok || count != c.count.Load() || c.begun.Load() != begun {
		t.Error("read again for a moment that is settled")
	}
	if _, ok := c.after(second, usage); !ok || c.begun.Load() != begun+1 || !c.settled(second) {
		t.Error("not read for a moment that was not")
	}
	// A reading that has begun before a moment says nothing about it, however late
	// it is done.
	late := c.begun.Add(1)
	third := c.now()
	c.done.Store(late)
	if c.settled(third) {
		t.Error("settled by a reading that had begun before")
	}
	var none faultClock
	if _, ok := none.after(0, usage); ok || !none.settled(none.now()) {
		t.Error("a clock that does not work tells something, or has others wait for it")
	}
}
