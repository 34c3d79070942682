//go:build !unix

package server

import "os"

var errPermission = os.ErrPermission
