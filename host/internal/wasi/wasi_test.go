package wasi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"
)

// guest is a memory of one page and an environment that records.
type guest struct {
	mem    []byte
	output map[int]string
	slept  []time.Time
	stop   error // what Sleep and Output return

	args, environ Strings
	command       bool
	input         string
}

func newGuest() *guest { return &guest{mem: make([]byte, 64<<10), output: map[int]string{}} }

func (g *guest) Args() Strings    { return g.args }
func (g *guest) Environ() Strings { return g.environ }
func (g *guest) Command() bool    { return g.command }
func (g *guest) Unread() int      { return len(g.input) }

func (g *guest) Input(p []byte) int {
	n := copy(p, g.input)
	g.input = g.input[n:]
	return n
}

func (g *guest) Output(fd int, p []byte) error {
	g.output[fd] += string(p)
	return g.stop
}

func (g *guest) Sleep(until time.Time) error {
	g.slept = append(g.slept, until)
	return g.stop
}

func (g *guest) u32(ptr int) uint32 { return binary.LittleEndian.Uint32(g.mem[ptr:]) }
func (g *guest) u64(ptr int) uint64 { return binary.LittleEndian.Uint64(g.mem[ptr:]) }

func (g *guest) put(ptr int, values ...uint32) {
	for i, v := range values {
		binary.LittleEndian.PutUint32(g.mem[ptr+4*i:], v)
	}
}

// call calls a function. All functions but one answer an errno.
func (g *guest) call(t testing.TB, name string, args ...uint64) errno {
	t.Helper()
	for _, f := range Functions() {
		if f.Name == name {
			if len(args) != len(f.Params) {
				t.Fatalf("%s takes %d parameters, not %d", name, len(f.Params), len(args))
			}
			stack := append(slices.Clone(args), 0)
			f.Call(g, g.mem, stack)
			return errno(stack[0])
		}
	}
	t.Fatalf("there is no function %s", name)
	return 0
}

func (g *guest) want(t testing.TB, want errno, name string, args ...uint64) {
	t.Helper()
	if got := g.call(t, name, args...); got != want {
		t.Errorf("%s%v = %d, want %d", name, args, got, want)
	}
}

const end = 64 << 10 // of the guest's memory

func TestNumberOfFunctions(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Functions() {
		seen[f.Name] = true
	}
	if len(Functions()) != 46 || len(seen) != 46 {
		t.Errorf("%d functions, %d names, want 46", len(Functions()), len(seen))
	}
}

func TestNoArgumentsNoEnvironment(t *testing.T) {
	for _, what := range []string{"args", "environ"} {
		g := newGuest()
		g.put(8, 77, 77)
		g.want(t, success, what+"_sizes_get", 8, 12)
		if g.u64(8) != 0 {
			t.Errorf("%s: sizes are not zero", what)
		}
		g.want(t, success, what+"_get", 0, 0)
		g.want(t, eFAULT, what+"_sizes_get", end-3, 0)
		g.want(t, eFAULT, what+"_sizes_get", 0, end-3)
		g.want(t, eFAULT, what+"_sizes_get", 0, 1<<32-1)
	}
}

// What is answered for descriptors that exist and for those that do not, where
// no other parameter matters.
func TestDescriptors(t *testing.T) {
	for _, c := range []struct {
		name string
		args []uint64 // after the descriptor
		want errno    // for 0 to 2
	}{
		{"fd_advise", []uint64{0, 0, 0}, eSPIPE},
		{"fd_allocate", []uint64{0, 0}, eNOTSUP},
		{"fd_close", nil, success},
		{"fd_datasync", nil, success},
		{"fd_fdstat_get", []uint64{64}, success},
		{"fd_fdstat_set_flags", []uint64{4}, success},
		{"fd_fdstat_set_rights", []uint64{0, 0}, eNOTSUP},
		{"fd_filestat_get", []uint64{64}, success},
		{"fd_filestat_set_size", []uint64{0}, eNOTSUP},
		{"fd_filestat_set_times", []uint64{0, 0, 0}, eNOTSUP},
		{"fd_pread", []uint64{0, 0, 0, 0}, eSPIPE},
		{"fd_prestat_get", []uint64{64}, eBADF},
		{"fd_prestat_dir_name", []uint64{64, 8}, eBADF},
		{"fd_readdir", []uint64{64, 8, 0, 0}, eNOTDIR},
		{"fd_renumber", []uint64{1}, success},
		{"fd_seek", []uint64{0, 0, 64}, eSPIPE},
		{"fd_sync", nil, success},
		{"fd_tell", []uint64{64}, eSPIPE},
		{"path_create_directory", []uint64{0, 0}, eBADF},
		{"path_filestat_get", []uint64{0, 0, 0, 0}, eBADF},
		{"path_filestat_set_times", []uint64{0, 0, 0, 0, 0, 0}, eBADF},
		{"path_link", []uint64{0, 0, 0, 0, 0, 0}, eBADF},
		{"path_open", []uint64{0, 0, 0, 0, 0, 0, 0, 0}, eBADF},
		{"path_readlink", []uint64{0, 0, 0, 0, 0}, eBADF},
		{"path_remove_directory", []uint64{0, 0}, eBADF},
		{"path_rename", []uint64{0, 0, 0, 0, 0}, eBADF},
		{"path_symlink", []uint64{0, 0, 0, 0}, eBADF},
		{"path_unlink_file", []uint64{0, 0}, eBADF},
		{"sock_accept", []uint64{0, 0}, eNOTSUP},
		{"sock_recv", []uint64{0, 0, 0, 0, 0}, eNOTSUP},
		{"sock_send", []uint64{0, 0, 0, 0}, eNOTSUP},
		{"sock_shutdown", []uint64{0}, eNOTSUP},
	} {
		g := newGuest()
		for fd := range uint64(3) {
			g.want(t, c.want, c.name, append([]uint64{fd}, c.args...)...)
		}
		for _, fd := range []uint64{3, 4, 1<<32 - 1} {
			g.want(t, eBADF, c.name, append([]uint64{fd}, c.args...)...)
		}
		if len(g.output) > 0 || len(g.slept) > 0 {
			t.Errorf("%s had an effect", c.name)
		}
	}
	g := newGuest()
	g.want(t, eBADF, "fd_renumber", 1, 3)
}

func TestDescriptorsAreTerminals(t *testing.T) {
	g := newGuest()
	for fd, rights := range []uint64{rightRead | rightPoll, rightWrite | rightPoll, rightWrite | rightPoll} {
		copy(g.mem[64:], bytes.Repeat([]byte{0xff}, 64))
		g.want(t, success, "fd_fdstat_get", uint64(fd), 64)
		if g.mem[64] != characterDevice || g.u64(72) != rights || g.u64(80) != 0 || g.mem[66] != 0 {
			t.Errorf("descriptor %d: %x", fd, g.mem[64:88])
		}
		copy(g.mem[128:], bytes.Repeat([]byte{0xff}, 64))
		g.want(t, success, "fd_filestat_get", uint64(fd), 128)
		if g.mem[128+16] != characterDevice || g.u64(128+32) != 0 {
			t.Errorf("descriptor %d: %x", fd, g.mem[128:192])
		}
	}
	g.want(t, eFAULT, "fd_fdstat_get", 1, end-23)
	g.want(t, success, "fd_fdstat_get", 1, end-24)
	g.want(t, eFAULT, "fd_filestat_get", 1, end-63)
	g.want(t, success, "fd_filestat_get", 1, end-64)
}

func TestClosedDescriptorsStayOpen(t *testing.T) {
	g := newGuest()
	g.want(t, success, "fd_close", 1)
	g.want(t, success, "fd_renumber", 2, 1)
	g.put(0, 100, 5)
	copy(g.mem[100:], "hello")
	g.want(t, success, "fd_write", 1, 0, 1, 8)
	if g.output[1] != "hello" || g.output[2] != "" {
		t.Errorf("output is %v", g.output)
	}
}

func TestWrite(t *testing.T) {
	for name, args := range map[string][]uint64{"fd_write": {2, 0, 3, 500}, "fd_pwrite": {2, 0, 3, 99, 500}} {
		g := newGuest()
		copy(g.mem[100:], "one two three")
		g.put(0, 100, 4, 0, 0, 104, 9)
		g.want(t, success, name, args...)
		if g.output[2] != "one two three" || g.u32(500) != 13 {
			t.Errorf("%s: output is %q, %d bytes", name, g.output[2], g.u32(500))
		}
		for _, fd := range []uint64{0, 3, 1<<32 - 1} {
			args[0] = fd
			g.want(t, eBADF, name, args...)
		}
	}
}

func TestWriteIsBounded(t *testing.T) {
	g := newGuest()
	g.put(0, 0, end, 8, 100) // the whole memory, and more
	g.want(t, success, "fd_write", 1, 0, 2, 500)
	if len(g.output[1]) != maxWrite || g.u32(500) != maxWrite {
		t.Errorf("%d bytes were written, %d reported, want %d", len(g.output[1]), g.u32(500), maxWrite)
	}
	// Many pieces that all name the same bytes.
	g = newGuest()
	for i := range maxVectors {
		g.put(8*i, 0, end)
	}
	g.want(t, success, "fd_write", 1, 0, maxVectors, end-4)
	if len(g.output[1]) != maxWrite {
		t.Errorf("%d bytes were written, want %d", len(g.output[1]), maxWrite)
	}
	g.want(t, eINVAL, "fd_write", 1, 0, maxVectors+1, end-4)
}

func TestWriteChecksBeforeItWrites(t *testing.T) {
	for _, c := range []struct {
		vectors []uint32
		args    []uint64
	}{
		{[]uint32{0, 4, end - 1, 2}, []uint64{1, 0, 2, 500}},                 // second piece
		{[]uint32{1<<32 - 1, 1<<32 - 1}, []uint64{1, 0, 1, 500}},             // wraps
		{[]uint32{0, 4}, []uint64{1, 0, 1, end - 3}},                         // count
		{[]uint32{0, 4}, []uint64{1, end - 7, 1, 500}},                       // array
		{[]uint32{0, 4}, []uint64{1, 1<<32 - 8, 1, 500}},                     // array wraps
		{[]uint32{0, 4}, []uint64{1, end - 8*maxVectors + 1, maxVectors, 0}}, // array too long
	} {
		g := newGuest()
		g.put(0, c.vectors...)
		g.want(t, eFAULT, "fd_write", c.args...)
		if len(g.output) > 0 {
			t.Errorf("%v wrote %v", c.args, g.output)
		}
	}
}

func TestReadIsAtTheEnd(t *testing.T) {
	g := newGuest()
	g.put(0, 100, 50)
	g.put(500, 7)
	g.want(t, success, "fd_read", 0, 0, 1, 500)
	if g.u32(500) != 0 {
		t.Errorf("%d bytes were read", g.u32(500))
	}
	for _, fd := range []uint64{1, 2, 3} {
		g.want(t, eBADF, "fd_read", fd, 0, 1, 500)
	}
	g.want(t, eFAULT, "fd_read", 0, 0, 1, end-3)
	g.want(t, eFAULT, "fd_read", 0, end-7, 1, 500)
}

func TestClocks(t *testing.T) {
	g := newGuest()
	before := time.Now().UnixNano()
	g.want(t, success, "clock_time_get", realtime, 0, 8)
	if got := int64(g.u64(8)); got < before || got > time.Now().UnixNano() {
		t.Errorf("the time is %d, want %d or a little later", got, before)
	}
	// One clock, asked twice: it starts at a second and does not go back.
	k := newClocks()
	first, _ := k.now(monotonic, k.start)
	second, _ := k.now(monotonic, time.Now())
	if first != uint64(time.Second) || second < first {
		t.Errorf("the monotonic clock shows %d, then %d", first, second)
	}
	for id := range uint64(2) {
		g.want(t, success, "clock_res_get", id, 16)
		if g.u64(16) != 1 {
			t.Errorf("clock %d: resolution %d", id, g.u64(16))
		}
		g.want(t, eFAULT, "clock_time_get", id, 0, end-7)
		g.want(t, eFAULT, "clock_res_get", id, end-7)
	}
	for id, want := range map[uint64]errno{2: eNOTSUP, 3: eNOTSUP, 4: eINVAL, 1<<32 - 1: eINVAL} {
		g.want(t, want, "clock_time_get", id, 0, 8)
		g.want(t, want, "clock_res_get", id, 8)
	}
}

func TestRandom(t *testing.T) {
	g := newGuest()
	g.want(t, success, "random_get", 16, 32)
	a := bytes.Clone(g.mem[16:48])
	g.want(t, success, "random_get", 16, 32)
	if bytes.Equal(a, g.mem[16:48]) || bytes.Equal(a, make([]byte, 32)) {
		t.Error("two reads gave the same bytes")
	}
	if !bytes.Equal(g.mem[48:], make([]byte, end-48)) {
		t.Error("it wrote past its end")
	}
	g.want(t, success, "random_get", end, 0)
	g.want(t, eFAULT, "random_get", end-31, 32)
	g.want(t, eFAULT, "random_get", 1<<32-1, 1<<32-1)
}

func TestMuchRandomEndsAtTheDeadline(t *testing.T) {
	g := newGuest()
	g.mem = make([]byte, 1<<20)
	g.stop = errors.New("over")
	if err := caught(func() { g.call(t, "random_get", 0, 1<<20) }); err != g.stop {
		t.Errorf("it ended with %v", err)
	}
}

func TestExit(t *testing.T) {
	for _, code := range []uint32{0, 1, 1<<32 - 1} {
		err := caught(func() { newGuest().call(t, "proc_exit", uint64(code)) })
		var exit ExitError
		if !errors.As(err, &exit) || exit.Code != code {
			t.Errorf("proc_exit(%d) ended with %v", code, err)
		}
	}
}

func TestProcess(t *testing.T) {
	g := newGuest()
	g.want(t, success, "sched_yield")
	g.want(t, eNOTSUP, "proc_raise", 9)
}

// caught returns the error that f panics with.
func caught(f func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	f()
	return nil
}
