package exchange

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/wasmlane/wasmlane/abi"
)

// The head of a CGI response (RFC 3875 section 6): header lines up to an empty
// line, each ended by LF or CRLF. The errors are for the plugin's author and go
// to the log, never to the client.

// cgiHead is what a program wrote before the body.
type cgiHead struct {
	status int
	fields []field // as written; without what only says something to the host
}

// cgiHeadEnd returns where the head ends, with its empty line: the length of the
// head, and false when the empty line is still to come. from is how much was
// looked through before.
func cgiHeadEnd(text []byte, from int) (int, bool) {
	for {
		i := bytes.IndexByte(text[from:], '\n')
		if i < 0 {
			return from, false
		}
		line := text[from : from+i]
		from += i + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return from, true
		}
	}
}

var (
	errCGINothing = errors.New(`the program wrote nothing to standard output; the least is a header such as "Content-Type: text/plain" and an empty line`)
	errCGIEmpty   = errors.New(`the output begins with an empty line; write a header such as "Content-Type: text/plain" before it`)
	errCGIOpen    = errors.New("the output ended within its headers; write an empty line after them, also when there is no body")
	errCGILong    = fmt.Errorf("the headers are over %d bytes, or the empty line after them is missing", abi.MaxResponseHead)
)

// parse reads a head, or as much as there is of one, and says what is wrong in
// it. The fields alias text.
func (h *cgiHead) parse(text []byte) error {
	h.status, h.fields = 0, h.fields[:0]
	located := false
	for number := 1; len(text) > 0; number++ {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		text = rest
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			if number == 1 {
				return errCGIEmpty
			}
			break
		}
		f, err := cgiField(line, number)
		if err != nil {
			return err
		}
		switch name := f.name; {
		case equalFold("status", name):
			if h.status != 0 {
				return fmt.Errorf("line %d: Status is there twice; write it once", number)
			}
			if h.status = cgiStatus(f.value); h.status == 0 {
				return fmt.Errorf(`line %d: "Status: %s" has no status from 200 to 599; write it as in "Status: 404 Not Found"`, number, excerpt(f.value))
			}
		case equalFold("transfer-encoding", name):
			return fmt.Errorf("line %d: Transfer-Encoding is the host's to set; write the body as it is, without chunks", number)
		case hostsHeader(name):
			// The host knows the length and the time, and the connection is its own.
		default:
			located = located || equalFold("location", name)
			h.fields = append(h.fields, f)
		}
	}
	switch {
	case h.status != 0:
	case located:
		h.status = 302
	default:
		h.status = 200
	}
	return nil
}

// cgiField splits a line.
func cgiField(line []byte, number int) (field, error) {
	name, value, ok := bytes.Cut(line, []byte{':'})
	value = trimSpace(value)
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return field{}, fmt.Errorf("line %d continues the one before it (%q); write a header on one line", number, excerpt(line))
	case bytes.HasPrefix(line, []byte("HTTP/")):
		return field{}, fmt.Errorf(`line %d is a status line (%q); write a header instead, as in "Status: 404 Not Found"`, number, excerpt(line))
	case (!ok || !isToken(name)) && number == 1:
		return field{}, fmt.Errorf(`the output does not begin with a header but with %q; write headers such as "Content-Type: text/html" first, and an empty line before the body`, excerpt(line))
	case !ok || !isToken(name):
		return field{}, fmt.Errorf(`line %d is no header (%q); write "Name: value", and an empty line before the body`, number, excerpt(line))
	case !isFieldValue(value):
		return field{}, fmt.Errorf("line %d: the value of %s holds a control character (%q); remove it", number, excerpt(name), excerpt(value))
	}
	return field{name, value}, nil
}

// cgiStatus reads "404 Not Found" or "404"; 0 is none that a response may have.
func cgiStatus(value []byte) int {
	code, _, _ := bytes.Cut(value, []byte{' '})
	if len(code) != 3 {
		return 0
	}
	n := 0
	for _, c := range code {
		if c < '0' || c > '9' {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	if n < 200 || n > 599 {
		return 0
	}
	return n
}

// excerpt is what a message shows of a guest's text.
func excerpt(text []byte) []byte { return text[:min(len(text), 60)] }
