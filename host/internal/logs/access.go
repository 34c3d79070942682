package logs

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// Access is the access log: a line for each request, in the form that slog gives
// its lines. Nearly all requests have nothing in them that needs quoting; their
// lines are put together here, and all others by slog.
type Access struct {
	sink *Sink
	json bool
	slow *slog.Logger
}

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
}

// NewAccess returns the access log of a sink, in JSON or as text.
func NewAccess(sink *Sink, json bool) *Access {
	a := &Access{sink: sink, json: json}
	if json {
		a.slow = slog.New(slog.NewJSONHandler(Buffered{sink}, nil))
	} else {
		a.slow = slog.New(slog.NewTextHandler(Buffered{sink}, nil))
	}
	return a
}

// lines are buffers for one line each.
var lines = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// Log writes the line of a request. It does not wait and allocates nothing, but
// for what needs quoting.
func (a *Access) Log(r *Request) {
	if !r.plain() {
		a.quoted(r)
		return
	}
	line := lines.Get().(*[]byte)
	if a.json {
		*line = r.appendJSON((*line)[:0])
	} else {
		*line = r.appendText((*line)[:0])
	}
	a.sink.buffer(*line)
	lines.Put(line)
}

// plain reports whether no value needs quoting in either form, and none is one
// that slog would leave out or write in another way.
func (r *Request) plain() bool {
	return r.Reason == "" && isPlain(r.Method) && isPlain(r.Path) && isPlain(r.Remote) && isPlain(r.ID) &&
		isPlain(r.Plugin) && isPlain(r.Handler) && r.Handler != "" && len(r.Path) > 0 && r.Time.Year() >= 1000 && r.Time.Year() <= 9999
}

// isPlain reports whether text has printable ASCII only and nothing that text or
// JSON quotes, or that the JSON of web pages does.
func isPlain[T string | []byte](text T) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ', c >= 0x7f, c == '"', c == '\\', c == '=', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

func (r *Request) appendText(b []byte) []byte {
	b = append(b, "time="...)
	b = r.Time.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, " level=INFO msg=request method="...)
	b = appendValue(b, r.Method)
	b = append(append(b, " path="...), r.Path...)
	b = strconv.AppendInt(append(b, " status="...), int64(r.Status), 10)
	b = append(append(b, " took="...), r.Took.String()...)
	b = strconv.AppendInt(append(b, " bytes="...), r.Bytes, 10)
	b = appendValue(append(b, " remote="...), r.Remote)
	b = appendValue(append(b, " request_id="...), r.ID)
	b = r.appendHandler(append(b, " handler="...))
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
	if r.Reason != "" {
		record.AddAttrs(slog.String("reason", r.Reason))
	}
	// A sink that buffers does not fail.
	_ = a.slow.Handler().Handle(context.Background(), record)
}
