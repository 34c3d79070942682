//go:build unix

package redistest

import "syscall"

func pause(pid int) error  { return syscall.Kill(pid, syscall.SIGSTOP) }
func resume(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }
func lives(pid int) bool   { return syscall.Kill(pid, 0) == nil }
