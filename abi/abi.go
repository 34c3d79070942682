// Package abi is the contract between the host and a plugin, as names and
// numbers: every import a guest may use, its parameters, the grant it needs and
// what its results mean. README.md beside this file is the specification; this
// package is what code on both sides is checked against.
//
// The package imports nothing and holds no state.
package abi

// Module is the import module of every function in [Functions].
const Module = "wasmlane_v1"

// Version is the version of the ABI that Module names.
const Version = 1

// Names of exports that the host looks for besides handlers.
const (
	// ExportMemory is the linear memory every plugin must export.
	ExportMemory = "memory"
	// ExportInitialize is the WASI reactor's initialiser, run once before
	// anything else.
	ExportInitialize = "_initialize"
	// ExportInit is the plugin's own initialiser, run once after
	// ExportInitialize.
	ExportInit = "wasmlane_init"
	// ExportStart is a WASI command's program, run from start to end for each
	// request by a route with the handler "PLUGIN.@cgi".
	ExportStart = "_start"
	// ReservedPrefix starts names that belong to the host. A handler never has
	// such a name.
	ReservedPrefix = "wasmlane_"
)

// Limits that are part of the contract rather than of host.toml.
const (
	// MaxKey is the longest key of the store, in bytes. The shortest is 1.
	MaxKey = 1024
	// MaxValue is the longest value of the store, in bytes.
	MaxValue = 1 << 20
	// MaxCallDepth is how many calls between plugins may be nested. A call
	// beyond it is answered with status 508.
	MaxCallDepth = 8
	// MaxLog is how many bytes of one log message the host keeps.
	MaxLog = 8 << 10
	// MaxResponseHead is how many bytes of header names and values a response
	// may be given.
	MaxResponseHead = 64 << 10
	// MaxCallHead is how many bytes the head of a call may have.
	MaxCallHead = 64 << 10
	// MaxOpenCalls is how many responses of calls may be open at once.
	MaxOpenCalls = 16
)

// HeaderTimeout is the header in which a host tells how many milliseconds it waits
// for the answer to a call. The name is Envoy's, so that its sidecars take part.
const HeaderTimeout = "x-envoy-expected-rq-timeout-ms"

// ParseTimeout returns the milliseconds that a value of HeaderTimeout tells, 1 or
// more; 0 when it tells none.
func ParseTimeout(value []byte) (milliseconds int64) {
	if len(value) > 9 {
		return 0
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0
		}
		milliseconds = 10*milliseconds + int64(c-'0')
	}
	return milliseconds
}

// Code is what a function returns instead of a length or a handle when it
// cannot do what was asked.
type Code int32

// The codes. A result of zero or more is never a Code.
const (
	Absent      Code = -1 // no such param, header, key, …
	Invalid     Code = -2 // malformed name, value, key or address
	Denied      Code = -3 // not granted in host.toml
	Timeout     Code = -4 // the deadline came first
	Unavailable Code = -5 // the other side failed
	TooLarge    Code = -6 // over a configured limit
	Closed      Code = -7 // the client went away
)

// String returns the name the specification uses, such as "ABSENT".
func (c Code) String() string {
	switch c {
	case Absent:
		return "ABSENT"
	case Invalid:
		return "INVALID"
	case Denied:
		return "DENIED"
	case Timeout:
		return "TIMEOUT"
	case Unavailable:
		return "UNAVAILABLE"
	case TooLarge:
		return "TOO_LARGE"
	case Closed:
		return "CLOSED"
	}
	return "OK"
}

// Field selects what the function "request" gives.
type Field uint32

// The fields of a request.
const (
	FieldMethod     Field = 0 // "GET"; "HEAD" on a HEAD request
	FieldPath       Field = 1 // percent-decoded, not folded
	FieldQuery      Field = 2 // raw, without the "?"
	FieldTarget     Field = 3 // the raw request target
	FieldHost       Field = 4
	FieldScheme     Field = 5 // "http" or "https"
	FieldRemoteAddr Field = 6 // the client's address, no port
	FieldProtocol   Field = 7 // "HTTP/1.1"
	FieldRoute      Field = 8 // the route's pattern, "/users/{id}"
	FieldRequestID  Field = 9
)

// Level is the severity of a log message.
type Level uint32

// The levels of the function "log".
const (
	LevelDebug Level = 0
	LevelInfo  Level = 1
	LevelWarn  Level = 2
	LevelError Level = 3
)

// IsHandler reports whether an exported func () of that name is a handler:
// [a-z][a-z0-9_]*, without the reserved prefix.
func IsHandler(name string) bool {
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(name) < len(ReservedPrefix) || name[:len(ReservedPrefix)] != ReservedPrefix
}
