package route

import "errors"

// What makes a path a bad request. Result.Err holds one of them.
var (
	ErrNoSlash = errors.New(`the path does not start with "/"`)
	ErrEscape  = errors.New(`"%" is not followed by two hexadecimal digits`)
	ErrControl = errors.New("the path holds a control character")
	ErrDots    = errors.New(`the path holds a "." or ".." segment`)
)

// appendDecoded appends the percent-decoded segment to dst. The error is
// ErrEscape, ErrControl or ErrDots.
//
// Dots are refused between decoded slashes too: "..%2Fetc" is one segment, but a
// plugin sees the path, and the value of {rest...}, decoded.
func appendDecoded(dst, segment []byte) ([]byte, error) {
	piece := len(dst) // where the text since the last slash starts
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c == '%' {
			if i+2 >= len(segment) {
				return dst, ErrEscape
			}
			high, low := unhex(segment[i+1]), unhex(segment[i+2])
			if high > 15 || low > 15 {
				return dst, ErrEscape
			}
			c = high<<4 | low
			i += 2
		}
		if c < ' ' || c == 0x7f {
			return dst, ErrControl
		}
		if c == '/' {
			if isDots(dst[piece:]) {
				return dst, ErrDots
			}
			piece = len(dst) + 1
		}
		dst = append(dst, c)
	}
	if isDots(dst[piece:]) {
		return dst, ErrDots
	}
	return dst, nil
}

func isDots(s []byte) bool {
	return len(s) == 1 && s[0] == '.' || len(s) == 2 && s[0] == '.' && s[1] == '.'
}

// unhex returns a value over 15 for what is no hexadecimal digit.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}
