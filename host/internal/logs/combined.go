package logs

import "strconv"

// appendCombined appends the line that Apache and nginx call "combined", which
// most programs that read access logs know:
//
//	ADDRESS - - [TIME] "METHOD PATH PROTOCOL" STATUS BYTES "REFERER" "USER-AGENT"
//
// What holds a quote, a backslash, or a byte that is no printable ASCII has \xHH
// in its place.
func (r *Request) appendCombined(b []byte) []byte {
	b = appendEscaped(b, r.Remote, '-')
	b = append(b, " - - ["...)
	b = r.Time.AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
	b = append(b, `] "`...)
	if r.Unread {
		b = append(b, '-')
	} else {
		b = appendEscaped(b, r.Method, '-')
		b = appendEscaped(append(b, ' '), r.Path, '-')
		b = appendEscaped(append(b, ' '), r.Protocol, '-')
	}
	b = strconv.AppendInt(append(b, `" `...), int64(r.Status), 10)
	b = append(b, ' ')
	if r.Bytes > 0 {
		b = strconv.AppendInt(b, r.Bytes, 10)
	} else {
		b = append(b, '-')
	}
	b = appendEscaped(append(b, ` "`...), withoutQuery(r.Referer), '-')
	b = appendEscaped(append(b, `" "`...), r.Agent, '-')
	return append(b, "\"\n"...)
}

// appendEscaped appends a value, or none when it is empty.
func appendEscaped(b, value []byte, none byte) []byte {
	if len(value) == 0 {
		return append(b, none)
	}
	const digits = "0123456789abcdef"
	for _, c := range value {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

// withoutQuery cuts a URL before its query: tokens travel there.
func withoutQuery(url []byte) []byte {
	for i, c := range url {
		if c == '?' || c == '#' {
			return url[:i]
		}
	}
	return url
}
