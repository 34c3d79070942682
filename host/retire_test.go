package host

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// What a reload drops is freed: code, memory, goroutines, files.

// held is what the process holds after a thorough collection.
type held struct {
	heap       uint64
	goroutines int
	code       int // executable mappings; 0 where that cannot be told
	files      int // open descriptors; likewise
}

func weigh() held {
	for range 3 { // finalizers of one round free what the next collects
		debug.FreeOSMemory()
		time.Sleep(10 * time.Millisecond)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h := held{heap: m.HeapAlloc, goroutines: goroutines()}
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil {
		for line := range bytes.Lines(maps) {
			if f := bytes.Fields(line); len(f) == 5 && strings.Contains(string(f[1]), "x") {
				h.code++
			}
		}
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.files = len(files)
	}
	return h
}

// goroutines counts them, without one that the HTTP library's pools leave asleep
// for some seconds.
func goroutines() (n int) {
	buf := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if !strings.Contains(stack, "(*workerPool).Start") {
			n++
		}
	}
	return n
}

// TestReloadsDoNotAccumulate: after many reloads with other modules, the process
// holds what it held before.
func TestReloadsDoNotAccumulate(t *testing.T) {
	const reloads, weight = 40, 256 << 10
	version := func(n int) setup {
		g := newGuest()
		ballast := make([]byte, weight) // that no two versions share
		for i := range ballast {
			ballast[i] = byte(rand.Uint32())
		}
		g.pages = 8
		at := g.place(ballast)
		g.on("get", g.do("write", fmt.Sprint(n)), g.do("write", at, 8))
		return setup{keys: "plugin.a.memory = \"1MiB\"\nlog.level = \"warn\"", guests: map[string]*guest{"a": g}}
	}
	r := embed(t, version(0))
	round := func(n int) {
		r.update(version(n))
		r.reload()
		for range 3 {
			if a := r.get("/a/get"); !strings.HasPrefix(a.body, fmt.Sprint(n)) {
				t.Fatalf("version %d answers %v", n, a)
			}
		}
	}
	for n := range 5 {
		round(n)
	}
	before := weigh()
	for n := range reloads {
		round(n + 5)
	}
	r.idle()
	var after held
	// A finalizer may need another round.
	for end := time.Now().Add(patience / 2); ; {
		after = weigh()
		if after.heap < before.heap+reloads*weight/8 && after.code < before.code+reloads/4 && after.goroutines < before.goroutines+reloads/4 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after %d reloads the process holds %+v, before it held %+v", reloads, after, before)
		}
	}
	if after.files > before.files+5 {
		t.Errorf("%d descriptors are open, before there were %d", after.files, before.files)
	}
	t.Logf("before %+v, after %+v", before, after)
}

// TestCloseLeavesNothing: nor does a host that has come and gone leave anything.
func TestCloseLeavesNothing(t *testing.T) {
	use := func() {
		t.Run("host", func(t *testing.T) {
			r := embed(t, setup{
				keys: `
					store.backend = "embedded"
					plugin.s.store = "a"
					plugin.a.calls = ["s"]
					service.s.targets = ["local"]`,
				guests: map[string]*guest{"a": relays(map[string]string{"get": "s GET /s/none"}), "s": streamer()},
			})
			r.set("a", "go")
			if a := r.get("/a/get"); a.body != "not streamed" {
				t.Errorf("got %v", a)
			}
			if a := r.get("/s/steps"); a.body != "one two three four" {
				t.Errorf("got %v", a)
			}
		})
	}
	use()
	before := weigh()
	for range 10 {
		use()
	}
	var after held
	for end := time.Now().Add(patience / 2); ; {
		after = weigh()
		if after.goroutines <= before.goroutines+3 && after.files <= before.files+3 && after.code <= before.code+5 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after 10 hosts the process holds %+v, before it held %+v", after, before)
		}
	}
	t.Logf("before %+v, after %+v", before, after)
}
