package trace

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// ID names a trace. Zero is none.
type ID [16]byte

// SpanID names a span of a trace. Zero is none.
type SpanID [8]byte

// NewID returns a random id. The last seven bytes are as random as the rest, which
// Sample and the second level of the standard rely on.
func NewID() (id ID) {
	for id == (ID{}) {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

// NewSpanID returns a random id.
func NewSpanID() (id SpanID) {
	for id == (SpanID{}) {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

// Context is what a traceparent header says.
type Context struct {
	Trace ID
	Span  SpanID // of whoever sends it
	Flags byte
}

// Sampled is the flag that says that the sender records the trace.
const Sampled = 1

// HeaderLen is the length of a traceparent header of version 00.
const HeaderLen = 55

// Parse reads a traceparent header (W3C Trace Context, section 3.2). Of a version
// that is not known it takes the part that is. What is malformed in any way is
// none: the standard then has the trace begin anew.
func Parse(h []byte) (c Context, ok bool) {
	if len(h) < HeaderLen || h[2] != '-' || h[35] != '-' || h[52] != '-' {
		return Context{}, false
	}
	var version [1]byte
	var flags [1]byte
	if !unhex(version[:], h[:2]) || !unhex(c.Trace[:], h[3:35]) || !unhex(c.Span[:], h[36:52]) || !unhex(flags[:], h[53:55]) {
		return Context{}, false
	}
	switch {
	case version[0] == 0xff, c.Trace == ID{}, c.Span == SpanID{}:
		return Context{}, false
	case version[0] == 0 && len(h) != HeaderLen:
		return Context{}, false
	case len(h) > HeaderLen && h[HeaderLen] != '-':
		return Context{}, false
	}
	c.Flags = flags[0] & Sampled // the others are not ours to pass on
	return c, true
}

// unhex decodes lower-case hexadecimal, which alone is allowed.
func unhex(dst, src []byte) bool {
	for _, c := range src {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	_, err := hex.Decode(dst, src)
	return err == nil
}

// Append appends the header, in version 00.
func (c Context) Append(b []byte) []byte {
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, c.Trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, c.Span[:])
	return append(b, '-', '0', '0'+c.Flags&Sampled)
}

// maxState is the longest tracestate that is passed on, in bytes and members.
const (
	maxState   = 512
	maxMembers = 32
)

// ValidState reports whether a tracestate header can be passed on (section 3.3).
// It is meant for other systems: all that matters is its form.
func ValidState(h []byte) bool {
	if len(h) == 0 || len(h) > maxState {
		return false
	}
	for members := 0; len(h) > 0; members++ {
		var member []byte
		member, h, _ = bytes.Cut(h, []byte{','})
		member = bytes.Trim(member, " \t")
		if len(member) == 0 {
			continue // allowed
		}
		key, value, ok := bytes.Cut(member, []byte{'='})
		if !ok || !isStateKey(key) || !isStateValue(value) || members >= maxMembers {
			return false
		}
	}
	return true
}

func isStateKey(key []byte) bool {
	if len(key) == 0 || len(key) > 256 || (key[0] < 'a' || key[0] > 'z') && (key[0] < '0' || key[0] > '9') {
		return false
	}
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && bytes.IndexByte([]byte("_-*/@"), c) < 0 {
			return false
		}
	}
	return true
}

func isStateValue(value []byte) bool {
	if len(value) == 0 || len(value) > 256 {
		return false
	}
	for _, c := range value {
		if c < ' ' || c > '~' || c == ',' || c == '=' {
			return false
		}
	}
	return true
}
