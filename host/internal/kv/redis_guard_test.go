package kv

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

func framed(text string, piece int) (whole int, within bool, err error) {
	f := framer{limit: maxAnswer}
	for b := []byte(text); len(b) > 0 && err == nil; {
		n := min(piece, len(b))
		var more int
		more, err = f.feed(b[:n])
		whole += more
		b = b[n:]
	}
	return whole, f.within(), err
}

func TestFramer(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for text, want := range map[string]int{
		"+OK\r\n":                                      1,
		"+\r\n-ERR a b\r\n:1\r\n:-5\r\n":               4,
		"$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n":             3,
		"*0\r\n*-1\r\n*2\r\n:1\r\n$1\r\na\r\n":         3,
		"*2\r\n*1\r\n+a\r\n*0\r\n+b\r\n":               2,
		"%1\r\n+a\r\n~1\r\n_\r\n#t\r\n,1.5\r\n(12\r\n": 4,
		"=5\r\ntxt:a\r\n!3\r\nERR\r\n":                 2,
		"$100000\r\n" + long + "\r\n":                  1,
		"":                                             0,
		"$5\r\nab":                                     0,
		"*1\r\n":                                       0,
	} {
		for _, piece := range []int{1, 2, 3, 7, len(text) + 1} {
			if got, within, err := framed(text, piece); got != want || err != nil || within == (want > 0 || text == "") {
				t.Errorf("%.40q in pieces of %d: %d, within %v, %v; want %d", text, piece, got, within, err, want)
			}
		}
	}
	for _, text := range []string{
		"HTTP/1.1 400 Bad Request\r\n", "\r\n", "\n", "+\n", "$\r\n", "$a\r\n", "$-2\r\n", "$+1\r\n", "*-2\r\n", "%-1\r\n", ":\r\n", ":1.5\r\n",
		"#true\r\n", "_x\r\n", ">1\r\n+a\r\n", "|1\r\n+a\r\n+b\r\n", "$?\r\n", "*?\r\n", ";1\r\n", "$9223372036854775807\r\n", "$9223372036854775808\r\n",
		"$8388609\r\n", "*1000000\r\n", "%9223372036854775807\r\n", strings.Repeat("*1\r\n", 9), "+" + long,
		"*2\r\n$8000000\r\n" + strings.Repeat("x", 8_000_000) + "\r\n$8000000\r\n", "x",
	} {
		for _, piece := range []int{1, 4096, len(text)} {
			if piece == 1 && len(text) > 200_000 {
				continue
			}
			if _, _, err := framed(text, piece); !errors.Is(err, errProtocol) {
				t.Errorf("%.40q in pieces of %d: %v", text, piece, err)
			}
		}
	}
}

// TestGuard: an answer passes when something was asked, and ends the connection when
// not.
func TestGuard(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	g := guard(near)
	go func() { _, _ = io.Copy(io.Discard, far) }()
	b := make([]byte, 100)
	if _, err := g.Write([]byte("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI")); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = far.Write([]byte("+PONG\r\n")) }()
	if n, err := g.Read(b); string(b[:n]) != "+PONG\r\n" || err != nil {
		t.Fatalf("%q, %v", b[:n], err)
	}
	go func() { _, _ = far.Write([]byte("+PONG\r\n")) }() // to half a command
	if n, err := g.Read(b); n != 0 || !errors.Is(err, errUnasked) {
		t.Errorf("%q, %v", b[:n], err)
	}
	_ = near.SetReadDeadline(time.Now().Add(patience))
	if _, err := near.Read(b); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection is open: %v", err)
	}
}

// FuzzFramer: it finds what a plain reading of the protocol finds, wherever the
// stream is cut.
func FuzzFramer(f *testing.F) {
	for _, seed := range []string{"+OK\r\n$3\r\nabc\r\n", "*2\r\n%1\r\n+a\r\n:1\r\n_\r\n#f\r\n", "$-1\r\n*-1\r\n!1\r\na\r\n", "*8\r\n*8\r\n"} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		whole, within, err := framed(string(b), len(b)+1)
		pieces, withinPieces, errPieces := framed(string(b), int(piece)+1)
		if (err == nil) != (errPieces == nil) || err == nil && (whole != pieces || within != withinPieces) {
			t.Fatalf("%d, %v, %v; in pieces %d, %v, %v", whole, within, err, pieces, withinPieces, errPieces)
		}
		if err != nil {
			return
		}
		r := bufio.NewReader(bytes.NewReader(b))
		for range whole {
			if err := plainly(r, 0); err != nil {
				t.Fatalf("it found %d messages; %v", whole, err)
			}
		}
		if _, err := r.Peek(1); (err == nil) != within {
			t.Errorf("after %d messages: within %v, next byte %v", whole, within, err)
		}
	})
}

// plainly reads a message as the protocol is described.
func plainly(r *bufio.Reader, depth int) error {
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	kind, rest := line[0], strings.TrimSuffix(line[1:], "\r\n")
	n, numeric := strconv.Atoi(rest)
	switch kind {
	case '+', '-', ':', ',', '(', '#', '_':
		return nil
	case '$', '!', '=':
		if numeric != nil || n == -1 {
			return numeric
		}
		_, err := io.CopyN(io.Discard, r, int64(n)+2)
		return err
	case '%':
		n *= 2
	}
	if numeric != nil || depth > maxDepth {
		return errProtocol
	}
	for range max(n, 0) {
		if err := plainly(r, depth+1); err != nil {
			return err
		}
	}
	return nil
}
