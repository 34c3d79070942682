//go:build !unix

package call

import "net"

// silent cannot look without waiting here. A connection that has ended shows when
// it is used.
func silent(*net.TCPConn) bool { return true }
