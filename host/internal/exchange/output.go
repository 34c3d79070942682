package exchange

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/wasmlane/wasmlane/abi"
)

// line is an unfinished line that a guest wrote to stdout or stderr.
type line struct{ buf []byte }

// Output takes what the guest writes to stdout (fd 1) or stderr (fd 2) and logs
// it line by line: stdout as info, stderr as warn. A line longer than
// abi.MaxLog is split. What a command writes to stdout is its response. It
// implements wasi.Env.
func (x *Exchange) Output(fd int, p []byte) error {
	if fd == 1 && x.cgi != nil {
		return x.cgiWrite(p)
	}
	i := fd - 1
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		part := p
		if end >= 0 {
			part = p[:end]
		}
		room := abi.MaxLog - len(x.output[i].buf)
		if len(part) > room {
			x.output[i].buf = append(x.output[i].buf, part[:room]...)
			x.flushLine(i)
			p = p[room:]
			continue
		}
		x.output[i].buf = append(x.output[i].buf, part...)
		if end < 0 {
			return nil
		}
		x.flushLine(i)
		p = p[end+1:]
	}
	return nil
}

// flushLine logs what line i holds, if anything.
func (x *Exchange) flushLine(i int) {
	text := bytes.TrimRight(x.output[i].buf, "\r")
	x.output[i].buf = x.output[i].buf[:0]
	if len(text) == 0 {
		return
	}
	level, stream := slog.LevelInfo, "stdout"
	if i == 1 {
		level, stream = slog.LevelWarn, "stderr"
	}
	x.log(level, text, slog.String("stream", stream))
}

// log writes a guest's message with what an operator needs to find its origin.
// The logger's handler escapes control characters.
func (x *Exchange) log(level slog.Level, text []byte, more ...slog.Attr) {
	logger := x.Plugin.Log
	if !logger.Enabled(context.Background(), level) || x.Plugin.LogLimit != nil && !x.Plugin.LogLimit.Allow() {
		return
	}
	attrs := append([]slog.Attr{
		slog.String("plugin", x.Plugin.Name),
		slog.String("handler", x.Handler),
	}, more...)
	if !x.init {
		attrs = append(attrs, slog.String("request_id", string(x.Request.ID)))
	}
	if x.trace.known {
		attrs = append(attrs, slog.String("trace_id", string(x.TraceID())))
	}
	logger.LogAttrs(context.Background(), level, string(text), attrs...)
}

// slogLevel maps a guest's level; one that the abi does not know is an error,
// so that it is not lost.
func slogLevel(l abi.Level) slog.Level {
	switch l {
	case abi.LevelDebug:
		return slog.LevelDebug
	case abi.LevelInfo:
		return slog.LevelInfo
	case abi.LevelWarn:
		return slog.LevelWarn
	}
	return slog.LevelError
}
