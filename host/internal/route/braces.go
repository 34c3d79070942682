package route

import "strings"

// A pattern is cut into segments before its regexes are compiled. So the braces
// around a parameter have to be told from those of its regex, as in
// {id:[0-9]{2}}, by looking at the text alone.

// segmentLen returns the length of the segment that s starts with. A slash inside
// of braces belongs to a regex.
func segmentLen(s string) int {
	end := 0
	if strings.HasPrefix(s, "{") {
		end = max(0, closingBrace(s))
	}
	if slash := strings.IndexByte(s[end:], '/'); slash >= 0 {
		return end + slash
	}
	return len(s)
}

// closingBrace returns where the brace that s starts with is closed, or -1. Braces
// nest, as in {id:[0-9]{2}}; those that a regex escapes or puts into a character
// class do not count.
func closingBrace(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			i += classLen(s[i:]) - 1
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// classLen returns the length of the character class that s starts with, or 1
// when it is not closed and "[" stands for itself.
func classLen(s string) int {
	i := 1
	if strings.HasPrefix(s[i:], "^") {
		i++
	}
	for first := true; i < len(s); i, first = i+1, false {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == ']' && !first:
			return i + 1
		case strings.HasPrefix(s[i:], "[:"):
			if end := strings.Index(s[i+2:], ":]"); end >= 0 {
				i += end + 3 // the whole of [:alpha:]
			}
		}
	}
	return 1
}
