package exchange

import (
	"bytes"
	"errors"
)

// Head is the header block of a request: its fields in the order they came, read
// from the bytes on the wire. The HTTP library's own view folds names, merges
// cookies and hides a second framing; a gateway has to see what was sent.
type Head struct {
	fields []field
}

// field is one header line. Both slices alias the block it was read from.
type field struct {
	name  []byte // lower case
	value []byte // without surrounding white space
}

// What is wrong with a header block. The texts go to the client.
var (
	errFieldLine    = errors.New("malformed header line")
	errFieldName    = errors.New("malformed header name")
	errFieldValue   = errors.New("control character in a header value")
	errFieldFolded  = errors.New("folded header line")
	errLineEnd      = errors.New("header line not ended by CRLF")
	errBothFramings = errors.New("both Content-Length and Transfer-Encoding")
	errFraming      = errors.New("ambiguous message framing")
	errHost         = errors.New("missing or repeated Host")
)

// parse reads the lines of a header block, each ended by end, up to the empty
// line or the end. On the wire that is CRLF, and nothing else: the HTTP library
// takes a bare LF too, and does not always see the end of the head where we
// would. In a guest's own text it is LF. The names are lowered in place, and the
// fields alias block.
//
// It is stricter than the HTTP library: RFC 9112 section 5 lets a server refuse
// what two parties might read differently, and everything refused here is such
// a case.
func (h *Head) parse(block []byte, end string) error {
	h.fields = h.fields[:0]
	for len(block) > 0 {
		line := block
		if i := bytes.IndexByte(block, '\n'); i >= 0 {
			line, block = block[:i+1], block[i+1:]
			ended := len(line) - len(end)
			if ended < 0 || string(line[ended:]) != end {
				return errLineEnd
			}
			line = line[:ended]
		} else {
			block = nil
		}
		if len(line) == 0 {
			if len(block) > 0 {
				return errFieldLine
			}
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			return errFieldFolded
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			return errFieldLine
		}
		name, value := line[:colon], trimSpace(line[colon+1:])
		if !isToken(name) {
			return errFieldName
		}
		if !isFieldValue(value) {
			return errFieldValue
		}
		lower(name)
		h.fields = append(h.fields, field{name, value})
	}
	return nil
}

// checkFraming refuses a message whose end two parties could see in different
// places (RFC 9112 section 6.3), and one without exactly one Host.
func (h *Head) checkFraming(http11 bool) error {
	var lengths, codings, hosts int
	for i := range h.fields {
		switch string(h.fields[i].name) {
		case "content-length":
			lengths++
		case "transfer-encoding":
			codings++
			if !bytes.EqualFold(h.fields[i].value, []byte("chunked")) {
				return errFraming
			}
		case "host":
			hosts++
		}
	}
	switch {
	case lengths > 0 && codings > 0:
		return errBothFramings
	case lengths > 1 || codings > 1 || (codings > 0 && !http11):
		return errFraming
	case hosts > 1 || (hosts == 0 && http11):
		return errHost
	}
	return nil
}

// get returns the index-th value of the header of that name, in any case.
func (h *Head) get(name []byte, index uint32) ([]byte, bool) {
	for i := range h.fields {
		if equalFold(h.fields[i].name, name) {
			if index == 0 {
				return h.fields[i].value, true
			}
			index--
		}
	}
	return nil, false
}

// lookup is get for the host's own use: the first value, or nil.
func (h *Head) lookup(name string) []byte {
	for i := range h.fields {
		if string(h.fields[i].name) == name {
			return h.fields[i].value
		}
	}
	return nil
}

// Ends of lines, see parse.
const (
	wireLines = "\r\n"
	textLines = "\n"
)

// name returns the index-th distinct header name.
func (h *Head) name(index uint32) ([]byte, bool) {
	for i := range h.fields {
		if h.seenBefore(i) {
			continue
		}
		if index == 0 {
			return h.fields[i].name, true
		}
		index--
	}
	return nil, false
}

// seenBefore reports whether an earlier field has the name of field i. The head
// is bounded by http_buffer_size, so a quadratic walk stays short.
func (h *Head) seenBefore(i int) bool {
	for j := range i {
		if bytes.Equal(h.fields[j].name, h.fields[i].name) {
			return true
		}
	}
	return false
}

// trimSpace removes the optional white space around a header value.
func trimSpace(b []byte) []byte { return bytes.Trim(b, " \t") }

// isToken reports whether b is a token of RFC 9110 section 5.6.2.
func isToken(b []byte) bool {
	for _, c := range b {
		if !isTokenByte(c) {
			return false
		}
	}
	return len(b) > 0
}

func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}

// isFieldValue reports whether b holds no control character but tab.
func isFieldValue(b []byte) bool {
	for _, c := range b {
		if (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

// lower turns ASCII letters to lower case in place.
func lower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}

// equalFold compares a lower-case name with one in any case, ASCII only.
func equalFold[T string | []byte](lowered T, name []byte) bool {
	if len(lowered) != len(name) {
		return false
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lowered[i] {
			return false
		}
	}
	return true
}
