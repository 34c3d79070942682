package host

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/logs"
)

// newLogger returns the host's logger. Its handlers escape control characters,
// so that nothing a guest or a client says can forge a line.
func newLogger(w io.Writer, form *logForm) *slog.Logger {
	options := &slog.HandlerOptions{Level: &form.level}
	return slog.New(&eitherHandler{form, slog.NewTextHandler(w, options), slog.NewJSONHandler(w, options)})
}

// logForm is how a log looks now; a reload may change it.
type logForm struct {
	level slog.LevelVar
	json  atomic.Bool
}

func (f *logForm) set(c config.Log) {
	f.level.Set(slogLevel(c.Level))
	f.json.Store(c.Format == "json")
}

// eitherHandler writes text or JSON, whichever it is at the moment.
type eitherHandler struct {
	form       *logForm
	text, json slog.Handler
}

func (h *eitherHandler) now() slog.Handler {
	if h.form.json.Load() {
		return h.json
	}
	return h.text
}

func (h *eitherHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

func (h *eitherHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.now().Handle(ctx, r)
}

func (h *eitherHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &eitherHandler{h.form, h.text.WithAttrs(attrs), h.json.WithAttrs(attrs)}
}

func (h *eitherHandler) WithGroup(name string) slog.Handler {
	return &eitherHandler{h.form, h.text.WithGroup(name), h.json.WithGroup(name)}
}

// setLog takes up [log].
func (h *Host) setLog(c config.Log) {
	h.form.set(c)
	h.sink.SetJSON(c.Format == "json")
	name := c.AccessFormat
	if name == "same" {
		name = c.Format
	}
	format := map[string]logs.Format{"text": logs.Text, "json": logs.JSON, "combined": logs.Combined}[name]
	h.accessLog.Store(logs.NewAccess(h.sink, format))
	if c.GuestRate.On() {
		h.guests.SetRate(c.GuestRate.Every(), c.GuestRate.PerSecond())
	} else {
		h.guests.SetRate(time.Duration(0), 0)
	}
}

func slogLevel(name string) slog.Level {
	switch name {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}
