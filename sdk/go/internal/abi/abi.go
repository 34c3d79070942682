// Package abi holds the numbers of the plugin ABI, version 1, that the SDK and
// its test host share. The specification is abi/README.md at the top of the
// repository. The package imports nothing.
package abi

// What a function returns instead of a length or a handle when it cannot do
// what was asked.
const (
	Absent      int32 = -1
	Invalid     int32 = -2
	Denied      int32 = -3
	Timeout     int32 = -4
	Unavailable int32 = -5
	TooLarge    int32 = -6
	Closed      int32 = -7
)

// What the function "request" can give.
const (
	FieldMethod uint32 = iota
	FieldPath
	FieldQuery
	FieldTarget
	FieldHost
	FieldScheme
	FieldRemoteAddr
	FieldProtocol
	FieldRoute
	FieldRequestID
)

// Limits of the contract, in bytes unless they say otherwise.
const (
	MaxKey          = 1024 // the shortest key has 1
	MaxValue        = 1 << 20
	MaxLog          = 8 << 10
	MaxResponseHead = 64 << 10
	MaxCallHead     = 64 << 10
	MaxOpenCalls    = 16 // responses of calls, not bytes
)
