// Package wasi is wasi_snapshot_preview1 as a guest of this host sees it: all of
// its 46 functions, none of which keeps state. There are three descriptors, 0 to
// 2, that nothing can close; no files, no sockets. Arguments, environment and
// standard input are what the [Env] has, which is nothing but for a command.
// Clocks and random bytes are real. What a request does with these functions
// cannot be seen by the next one.
//
// No engine appears here: each [Function] works on the guest's memory as a slice
// and on the parameters as numbers. Every pointer is checked against that slice
// with 64-bit arithmetic. A bad one is answered with EFAULT, as the
// specification of WASI has it, where functions of the host's own ABI trap. A
// pointer whose contents cannot matter, such as a path on a descriptor that does
// not exist, is not looked at.
package wasi

import (
	"fmt"
	"time"
)

// Module is the import module of all functions.
const Module = "wasi_snapshot_preview1"

// Env is what functions reach outside of the guest. One Env serves one request
// or one initialisation.
type Env interface {
	// Args and Environ return the arguments and the environment. They are read
	// before the function returns, and not changed.
	Args() Strings
	Environ() Strings
	// Command reports whether the guest's descriptors 0 and 1 are those of a
	// program that runs from start to end, and not of a terminal.
	Command() bool
	// Input reads on in descriptor 0 and returns how many bytes it read, 0 at the
	// end. Unread returns how many are left.
	Input(p []byte) int
	Unread() int
	// Output takes what the guest writes to descriptor 1 or 2, at most 64 KiB
	// at a time. p is the guest's memory: it must not be kept or changed. It
	// returns an error when the guest must not go on, and the function panics
	// with that error.
	Output(fd int, p []byte) error
	// Sleep returns nil at the given time, at once when that has passed. It
	// returns an error, early, when the guest must not go on, and tells so for
	// a time that has passed too. The function panics with that error.
	Sleep(until time.Time) error
}

// Type is the type of a parameter or result, encoded as in the WebAssembly
// binary format.
type Type byte

// The types in use.
const (
	I32 Type = 0x7f
	I64 Type = 0x7e
)

// Function is one import of [Module].
type Function struct {
	Name   string
	Params []Type
	Result Type // I32, or 0 when it returns nothing

	// Call runs the function. mem is the guest's whole memory, stack holds the
	// parameters and receives the result in stack[0]. It panics with an
	// ExitError, or with the error of Env.Sleep or Env.Output, and with nothing
	// else.
	Call func(env Env, mem []byte, stack []uint64)
}

// ExitError is what proc_exit panics with: the guest wants to end. Code 0 means
// success for a command only; a handler has to return for that.
type ExitError struct{ Code uint32 }

// Error implements error.
func (e ExitError) Error() string { return fmt.Sprintf("the guest called proc_exit(%d)", e.Code) }

// errno is the result of most functions.
type errno uint16

const (
	success  errno = 0
	eBADF    errno = 8
	eFAULT   errno = 21
	eINVAL   errno = 28
	eNOTDIR  errno = 54
	eNOTSUP  errno = 58
	eSPIPE   errno = 70
	lastStd        = 2        // descriptors 0 to 2 exist
	maxWrite       = 64 << 10 // bytes that one fd_write takes; it may be called again
)

// call is one call of a function.
type call struct {
	env Env
	mem memory
	arg []uint64
}

func (c call) u32(i int) uint32 { return uint32(c.arg[i]) }

// std reports whether a parameter is one of the three descriptors.
func (c call) std(i int) bool { return c.u32(i) <= lastStd }

// Functions returns all functions. The monotonic clock of the result starts at
// one second, so that zero is never a time.
func Functions() []Function {
	clocks := newClocks()
	const i, l = I32, I64
	return []Function{
		fn("args_get", argsGet, i, i),
		fn("args_sizes_get", argsSizes, i, i),
		fn("environ_get", environGet, i, i),
		fn("environ_sizes_get", environSizes, i, i),
		fn("clock_res_get", clocks.resolution, i, i),
		fn("clock_time_get", clocks.time, i, l, i),
		fn("fd_advise", std(eSPIPE), i, l, l, i),
		fn("fd_allocate", std(eNOTSUP), i, l, l),
		fn("fd_close", std(success), i),
		fn("fd_datasync", std(success), i),
		fn("fd_fdstat_get", fdstatGet, i, i),
		fn("fd_fdstat_set_flags", std(success), i, i),
		fn("fd_fdstat_set_rights", std(eNOTSUP), i, l, l),
		fn("fd_filestat_get", filestatGet, i, i),
		fn("fd_filestat_set_size", std(eNOTSUP), i, l),
		fn("fd_filestat_set_times", std(eNOTSUP), i, l, l, i),
		fn("fd_pread", std(eSPIPE), i, i, i, l, i),
		fn("fd_prestat_get", always(eBADF), i, i),
		fn("fd_prestat_dir_name", always(eBADF), i, i, i),
		fn("fd_pwrite", fdPwrite, i, i, i, l, i),
		fn("fd_read", fdRead, i, i, i, i),
		fn("fd_readdir", std(eNOTDIR), i, i, i, l, i),
		fn("fd_renumber", renumber, i, i),
		fn("fd_seek", std(eSPIPE), i, l, i, i),
		fn("fd_sync", std(success), i),
		fn("fd_tell", std(eSPIPE), i, i),
		fn("fd_write", fdWrite, i, i, i, i),
		fn("path_create_directory", always(eBADF), i, i, i),
		fn("path_filestat_get", always(eBADF), i, i, i, i, i),
		fn("path_filestat_set_times", always(eBADF), i, i, i, i, l, l, i),
		fn("path_link", always(eBADF), i, i, i, i, i, i, i),
		fn("path_open", always(eBADF), i, i, i, i, i, l, l, i, i),
		fn("path_readlink", always(eBADF), i, i, i, i, i, i),
		fn("path_remove_directory", always(eBADF), i, i, i),
		fn("path_rename", always(eBADF), i, i, i, i, i, i),
		fn("path_symlink", always(eBADF), i, i, i, i, i),
		fn("path_unlink_file", always(eBADF), i, i, i),
		fn("poll_oneoff", clocks.poll, i, i, i, i),
		procExit(),
		fn("proc_raise", always(eNOTSUP), i),
		fn("random_get", randomGet, i, i),
		fn("sched_yield", always(success)),
		fn("sock_accept", std(eNOTSUP), i, i, i),
		fn("sock_recv", std(eNOTSUP), i, i, i, i, i, i),
		fn("sock_send", std(eNOTSUP), i, i, i, i, i),
		fn("sock_shutdown", std(eNOTSUP), i, i),
	}
}

// fn makes a function that answers an errno.
func fn(name string, f func(call) errno, params ...Type) Function {
	return Function{name, params, I32, func(env Env, mem []byte, stack []uint64) {
		stack[0] = uint64(f(call{env, mem, stack}))
	}}
}

// always answers the same whatever is asked.
func always(e errno) func(call) errno { return func(call) errno { return e } }

// std answers e for descriptors 0 to 2 and EBADF for all others, which do not
// exist.
func std(e errno) func(call) errno {
	return func(c call) errno {
		if !c.std(0) {
			return eBADF
		}
		return e
	}
}

func procExit() Function {
	return Function{"proc_exit", []Type{I32}, 0, func(_ Env, _ []byte, stack []uint64) {
		panic(ExitError{uint32(stack[0])})
	}}
}
