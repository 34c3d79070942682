package logs

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Access is the access log: a line for each request, in the form that slog gives
// its lines, or the combined one. Nearly all requests have nothing in them that
// needs quoting; their lines are put together here, and all others by slog.
type Access struct {
	sink   *Sink
	format Format
	slow   *slog.Logger
}

// Format is how the lines of the access log look.
type Format uint8

// The formats.
const (
	Text Format = iota
	JSON
	Combined
)

// Request is one line. The slices are not kept.
type Request struct {
	Time    time.Time // when it ended
	Took    time.Duration
	Method  []byte
	Path    []byte
	Status  int
	Bytes   int64 // of the answer's body
	Remote  []byte
	ID      []byte
	Plugin  string // "" when the host has answered itself
	Handler string
	Reason  string // of the host's own error answers, else ""
	Trace   []byte // trace id, in hexadecimal; empty: none
	Unread  bool   // it could not be read: there is only what the host has answered

	Protocol, Referer, Agent []byte // for Combined only
}

// NewAccess returns the access log of a sink.
func NewAccess(sink *Sink, format Format) *Access {
	a := &Access{sink: sink, format: format}
	if format == JSON {
		a.slow = slog.New(slog.NewJSONHandler(Buffered{sink}, nil))
	} else {
		a.slow = slog.New(slog.NewTextHandler(Buffered{sink}, nil))
	}
	return a
}

// line is a buffer for one line.
type line struct {
	text   []byte
	stamp  []byte // the time of a line in text, as it was written last
	second int64  // of Unix time, that stamp is about
	zone   *time.Location
}

var lines = sync.Pool{New: func() any { return &line{text: make([]byte, 0, 512)} }}

// Log writes the line of a request. It does not wait and allocates nothing, but
// for what needs quoting.
func (a *Access) Log(r *Request) {
	if a.format != Combined && !r.plain() {
		a.quoted(r)
		return
	}
	l := lines.Get().(*line)
	switch a.format {
	case Combined:
		l.text = r.appendCombined(l.text[:0])
	case JSON:
		l.text = r.appendJSON(l.text[:0])
	default:
		l.text = r.appendText(append(l.text[:0], l.time(r.Time)...))
	}
	a.sink.buffer(l.text)
	lines.Put(l)
}

// time returns how a line in text begins. Between two seconds only the
// milliseconds change.
func (l *line) time(t time.Time) []byte {
	const start, layout, millis = "time=", "2006-01-02T15:04:05.000Z07:00", len("time=2006-01-02T15:04:05.")
	if second := t.Unix(); second != l.second || t.Location() != l.zone || len(l.stamp) == 0 {
		l.second, l.zone = second, t.Location()
		l.stamp = t.AppendFormat(append(l.stamp[:0], start...), layout)
	}
	ms := t.Nanosecond() / 1e6
	l.stamp[millis], l.stamp[millis+1], l.stamp[millis+2] = byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10)
	return l.stamp
}

// plain reports whether no value needs quoting in either form, and none is one
// that slog would leave out or write in another way.
func (r *Request) plain() bool {
	return r.Reason == "" && !r.Unread && isPlain(r.Trace) && isPlain(r.Method) && isPlain(r.Path) && isPlain(r.Remote) && isPlain(r.ID) &&
		isPlain(r.Plugin) && isPlain(r.Handler) && r.Handler != "" && len(r.Path) > 0 && r.Time.Year() >= 1000 && r.Time.Year() <= 9999
}

// isPlain reports whether text has printable ASCII only and nothing that text or
// JSON quotes, or that the JSON of web pages does.
func isPlain[T string | []byte](text T) bool {
	for i := range len(text) {
		// One bit for each of the characters 0 to 63, and 64 to 127.
		c := text[i]
		if c >= 128 || plainCharacters[c>>6&1]>>(c&63)&1 == 0 {
			return false
		}
	}
	return true
}

var plainCharacters = func() (bits [2]uint64) {
	for c := byte('!'); c <= '~'; c++ {
		if strings.IndexByte(`"\=<>&`, c) < 0 {
			bits[c>>6] |= 1 << (c & 63)
		}
	}
	return bits
}()

func (r *Request) appendText(b []byte) []byte {
	b = append(b, " level=INFO msg=request method="...)
	b = appendValue(b, r.Method)
	b = append(append(b, " path="...), r.Path...)
	b = strconv.AppendInt(append(b, " status="...), int64(r.Status), 10)
	b = append(append(b, " took="...), r.Took.String()...)
	b = strconv.AppendInt(append(b, " bytes="...), r.Bytes, 10)
	b = appendValue(append(b, " remote="...), r.Remote)
	b = appendValue(append(b, " request_id="...), r.ID)
	b = r.appendHandler(append(b, " handler="...))
	if len(r.Trace) > 0 {
		b = append(append(b, " trace_id="...), r.Trace...)
	}
	return append(b, '\n')
}

// appendValue appends a plain value, which is quoted when it is empty.
func appendValue(b, value []byte) []byte {
	if len(value) == 0 {
		return append(b, `""`...)
	}
	return append(b, value...)
}

func (r *Request) appendJSON(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = r.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(append(b, `","level":"INFO","msg":"request","method":"`...), r.Method...)
	b = append(append(b, `","path":"`...), r.Path...)
	b = strconv.AppendInt(append(b, `","status":`...), int64(r.Status), 10)
	b = strconv.AppendInt(append(b, `,"took":`...), int64(r.Took), 10)
	b = strconv.AppendInt(append(b, `,"bytes":`...), r.Bytes, 10)
	b = append(append(b, `,"remote":"`...), r.Remote...)
	b = append(append(b, `","request_id":"`...), r.ID...)
	b = r.appendHandler(append(b, `","handler":"`...))
	if len(r.Trace) > 0 {
		b = append(append(b, `","trace_id":"`...), r.Trace...)
	}
	return append(b, "\"}\n"...)
}

// appendHandler names who answered: "user.get_user", or "@health".
func (r *Request) appendHandler(b []byte) []byte {
	if r.Plugin != "" {
		b = append(append(b, r.Plugin...), '.')
	}
	return append(b, r.Handler...)
}

// quoted writes the line by slog.
func (a *Access) quoted(r *Request) {
	record := slog.NewRecord(r.Time, slog.LevelInfo, "request", 0)
	if r.Unread {
		record.AddAttrs(slog.Int("status", r.Status), slog.String("reason", r.Reason),
			slog.String("remote", string(r.Remote)), slog.String("request_id", string(r.ID)))
		_ = a.slow.Handler().Handle(context.Background(), record)
		return
	}
	record.AddAttrs(
		slog.String("method", string(r.Method)),
		slog.String("path", string(r.Path)),
		slog.Int("status", r.Status),
		slog.Duration("took", r.Took),
		slog.Int64("bytes", r.Bytes),
		slog.String("remote", string(r.Remote)),
		slog.String("request_id", string(r.ID)),
		slog.String("handler", string(r.appendHandler(nil))),
	)
	if len(r.Trace) > 0 {
		record.AddAttrs(slog.String("trace_id", string(r.Trace)))
	}
	if r.Reason != "" {
		record.AddAttrs(slog.String("reason", r.Reason))
	}
	// A sink that buffers does not fail.
	_ = a.slow.Handler().Handle(context.Background(), record)
}
