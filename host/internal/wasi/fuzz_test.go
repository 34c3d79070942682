package wasi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

var errStop = errors.New("stop")

// env lets some sleeps pass and stops others.
type env struct {
	t      *testing.T
	sleeps int
	unread int
}

func (e *env) Args() Strings    { return Strings{[]byte("name\x00"), 1} }
func (e *env) Environ() Strings { return Strings{[]byte("A=1\x00B=\x00"), 2} }
func (e *env) Command() bool    { return e.unread%2 == 1 }
func (e *env) Unread() int      { return e.unread }

func (e *env) Input(p []byte) int {
	n := min(len(p), e.unread)
	clear(p[:n])
	e.unread -= n
	return n
}

func (e *env) Output(fd int, p []byte) error {
	if fd != 1 && fd != 2 || len(p) == 0 || len(p) > maxWrite {
		e.t.Errorf("output of %d bytes to %d", len(p), fd)
	}
	return nil
}

func (e *env) Sleep(until time.Time) error {
	if e.sleeps++; e.sleeps > 2 {
		return errStop
	}
	return nil
}

// FuzzCall calls any function with any parameters on any memory. The only panics
// are an ExitError and the error of Sleep; nothing outside of memory changes.
func FuzzCall(f *testing.F) {
	for i := range Functions() {
		f.Add(uint8(i), []byte{1, 0, 0, 0, 0, 0, 0, 0, 16}, []byte("some memory, some more memory, and even more of it"))
	}
	f.Add(uint8(37), binary.LittleEndian.AppendUint64(make([]byte, 16), 1), make([]byte, 100))
	functions := Functions()
	f.Fuzz(func(t *testing.T, which uint8, args, memory []byte) {
		fn := functions[int(which)%len(functions)]
		stack := make([]uint64, len(fn.Params)+1)
		for i := range fn.Params {
			var b [8]byte
			args = args[copy(b[:], args):]
			if stack[i] = binary.LittleEndian.Uint64(b[:]); fn.Params[i] == I32 {
				stack[i] = uint64(uint32(stack[i]))
			}
		}
		// The guest's memory lies between two guards.
		guard := bytes.Repeat([]byte{0xa5}, 64)
		all := append(append(bytes.Clone(guard), memory...), guard...)
		mem := all[64 : 64+len(memory) : 64+len(memory)]
		defer func() {
			if r := recover(); r != nil {
				err, _ := r.(error)
				var exit ExitError
				if err != errStop && !(fn.Name == "proc_exit" && errors.As(err, &exit)) {
					t.Fatalf("%s%v panicked: %v", fn.Name, stack, r)
				}
			}
			if !bytes.Equal(all[:64], guard) || !bytes.Equal(all[64+len(memory):], guard) {
				t.Fatalf("%s%v wrote outside of memory", fn.Name, stack)
			}
		}()
		fn.Call(&env{t: t}, mem, stack)
		if stack[0] > 76 {
			t.Fatalf("%s answered %d, which is no errno", fn.Name, stack[0])
		}
	})
}
