//go:build !linux

package server

import "net"

// unsent cannot be told here: a write makes progress only when the kernel takes
// new data.
func unsent(*net.TCPConn) int { return -1 }

// hungUp cannot be told here while there is something left to read.
func hungUp(*net.TCPConn) bool { return false }
