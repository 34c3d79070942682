package kv

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// guarded is a connection whose other end may be anything. The library trusts it:
// a length makes it allocate as much, nested arrays make it recurse, and an answer
// that nobody asked for makes it panic where nobody can recover. So what comes in
// is looked at before the library sees it, and the connection ends when it is not
// what a Redis would say.
type guarded struct {
	net.Conn
	sent, got framer
	owed      atomic.Int64 // commands written and not yet answered
	answered  func()
	closed    func()
	once      sync.Once
}

// maxAnswer bounds the memory of one answer: a value, or the nodes of a Cluster.
const maxAnswer = 8 << 20

func guard(c net.Conn) *guarded {
	g := &guarded{Conn: c, answered: func() {}, closed: func() {}}
	g.sent.limit, g.got.limit = 1<<62, maxAnswer
	return g
}

func (g *guarded) Write(p []byte) (int, error) {
	n, err := g.sent.feed(p)
	if err != nil {
		return 0, err
	}
	g.owed.Add(int64(n)) // before the answer can come
	return g.Conn.Write(p)
}

func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	whole, strange := g.got.feed(p[:n])
	due := int64(whole)
	if g.got.within() {
		due++
	}
	if strange == nil && due > g.owed.Load() {
		strange = errUnasked
	}
	if strange != nil {
		_ = g.Close()
		return 0, strange
	}
	if whole > 0 {
		g.owed.Add(-int64(whole))
		g.answered()
	}
	return n, err
}

func (g *guarded) Close() error {
	g.once.Do(g.closed)
	return g.Conn.Close()
}

var (
	errProtocol = errors.New("what it answers is not the protocol of Redis")
	errUnasked  = fmt.Errorf("%w: an answer that was not asked for", errProtocol)
	errTooMuch  = fmt.Errorf("%w: an answer of more than %d bytes", errProtocol, maxAnswer)
)

// framer finds the ends of messages in a stream of RESP, versions 2 and 3.
type framer struct {
	limit int64   // of one message
	room  int64   // what is left of it
	skip  int64   // bytes of a string to come, with its end of line
	line  []byte  // the beginning of a line whose end has not come
	open  []int64 // elements to come of the arrays we are in, the innermost last
	begun bool
}

const (
	maxLine  = 64 << 10
	maxDepth = 8
	// elementSize is about what the library needs for an element.
	elementSize = 64
)

// within reports whether a message has begun and not ended.
func (f *framer) within() bool { return f.begun }

// feed takes the next bytes and returns how many messages end in them. After an
// error it must not be used again.
func (f *framer) feed(p []byte) (whole int, err error) {
	for len(p) > 0 {
		if !f.begun {
			f.begun, f.room = true, f.limit
		}
		if f.skip > 0 {
			n := min(f.skip, int64(len(p)))
			f.skip -= n
			p = p[n:]
			if f.skip == 0 && f.end() {
				whole++
			}
			continue
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			i = len(p) - 1
		}
		part := p[:i+1]
		p = p[i+1:]
		if len(f.line)+len(part) > maxLine {
			return whole, errTooMuch
		}
		if part[len(part)-1] != '\n' {
			f.line = append(f.line, part...)
			continue
		}
		if len(f.line) > 0 {
			part = append(f.line, part...)
			f.line = nil
		}
		ended, err := f.head(part)
		if err != nil {
			return whole, err
		}
		if ended {
			whole++
		}
	}
	// What can never become a line is refused before its end comes.
	if len(f.line) > 0 && !known(f.line[0]) {
		return whole, errProtocol
	}
	return whole, nil
}

func known(kind byte) bool { return bytes.IndexByte([]byte("+-:,(#_$!=*~%"), kind) >= 0 }

// head takes the line that begins an element and reports whether a message ends
// with it. Pushes, attributes and strings in pieces are not for us: nothing that
// we send is answered by them.
func (f *framer) head(line []byte) (ended bool, err error) {
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return false, errProtocol
	}
	kind, rest := line[0], line[1:len(line)-2]
	if f.room -= int64(len(line)); f.room < 0 {
		return false, errTooMuch
	}
	switch kind {
	case '+', '-', ',', '(':
		return f.end(), nil
	case ':':
		if _, err := strconv.ParseInt(string(rest), 10, 64); err != nil {
			return false, errProtocol
		}
		return f.end(), nil
	case '#':
		if len(rest) != 1 {
			return false, errProtocol
		}
		return f.end(), nil
	case '_':
		if len(rest) != 0 {
			return false, errProtocol
		}
		return f.end(), nil
	case '$', '!', '=', '*', '~', '%':
	default:
		return false, errProtocol
	}
	n, err := strconv.ParseInt(string(rest), 10, 64)
	switch {
	case err != nil || n < -1 || rest[0] == '+' || n == -1 && kind != '$' && kind != '*':
		return false, errProtocol
	case n == -1:
		return f.end(), nil
	case n > f.room:
		return false, errTooMuch
	}
	switch kind {
	case '$', '!', '=':
		f.room -= n
		f.skip = n + 2
		return false, nil
	case '%':
		n *= 2
	}
	if f.room -= n * elementSize; f.room < 0 || len(f.open) == maxDepth {
		return false, errTooMuch
	}
	if n == 0 {
		return f.end(), nil
	}
	f.open = append(f.open, n)
	return false, nil
}

// end counts an element that is complete and reports whether the message is.
func (f *framer) end() bool {
	for len(f.open) > 0 {
		last := len(f.open) - 1
		if f.open[last]--; f.open[last] > 0 {
			return false
		}
		f.open = f.open[:last]
	}
	f.begun = false
	return true
}
