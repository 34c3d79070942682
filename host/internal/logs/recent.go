package logs

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of what is kept. A plugin that logs much pushes out its own lines only.
const (
	keepLines = 200      // of one plugin, and of the host itself
	keepBytes = 64 << 10 // likewise
	keepText  = 8 << 10  // of one message or value
	keepNames = 256      // plugins; the one that has been silent longest is dropped
)

// Line is one line of the log.
type Line struct {
	Time    time.Time         `json:"time"`
	Level   string            `json:"level"`
	Message string            `json:"msg"`
	Plugin  string            `json:"plugin,omitempty"` // "": of the host itself
	Attrs   map[string]string `json:"attrs,omitempty"`

	number uint64 // in order of arrival
	size   int
}

// Recent keeps the last lines of a log at hand, so that an operator can ask for those
// of one plugin. It is safe for concurrent use.
type Recent struct {
	mu    sync.Mutex
	count uint64
	lines map[string]*tail // by plugin
}

// tail is the last lines of one plugin, the latest last.
type tail struct {
	lines []*Line
	size  int
}

// NewRecent returns one that has no lines.
func NewRecent() *Recent { return &Recent{lines: map[string]*tail{}} }

// Handler returns a handler that keeps what it hands on to next.
func (r *Recent) Handler(next slog.Handler) slog.Handler { return &handler{next: next, recent: r} }

// Lines returns the last lines of a plugin, or of all when it is "", the latest
// last and at most limit.
func (r *Recent) Lines(plugin string, limit int) []Line {
	r.mu.Lock()
	var found []*Line
	for name, t := range r.lines {
		if plugin == "" || name == plugin {
			found = append(found, t.lines...)
		}
	}
	r.mu.Unlock()
	slices.SortFunc(found, func(a, b *Line) int { return int(int64(a.number - b.number)) })
	list := []Line{}
	for _, l := range found[max(0, len(found)-limit):] {
		list = append(list, *l)
	}
	return list
}

// Cut returns the line with its texts cut to so many bytes each.
func (l Line) Cut(most int) Line {
	cut := func(s string) string {
		if len(s) <= most {
			return s
		}
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	l.Message = cut(l.Message)
	attrs := map[string]string{}
	for name, text := range l.Attrs {
		attrs[name] = cut(text)
	}
	l.Attrs = attrs
	return l
}

func (r *Recent) add(l *Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	l.number = r.count
	t := r.lines[l.Plugin]
	if t == nil {
		t = new(tail)
		r.lines[l.Plugin] = t
	}
	t.lines = append(t.lines, l)
	t.size += l.size
	for len(t.lines) > keepLines || t.size > keepBytes && len(t.lines) > 1 {
		t.size -= t.lines[0].size
		t.lines[0] = nil
		t.lines = t.lines[1:]
	}
	if len(r.lines) > keepNames {
		r.forget()
	}
}

// forget drops the plugin whose last line is the oldest. r.mu is held.
func (r *Recent) forget() {
	oldest, number := "", r.count+1
	for name, t := range r.lines {
		if last := t.lines[len(t.lines)-1].number; name != "" && last < number {
			oldest, number = name, last
		}
	}
	delete(r.lines, oldest)
}

// handler implements slog.Handler.
type handler struct {
	next   slog.Handler
	recent *Recent
	attrs  []slog.Attr // of With, their names complete
	group  string      // "a.b."
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	l := &Line{Time: record.Time, Level: record.Level.String(), Message: short(record.Message)}
	l.size = len(l.Message)
	for _, a := range h.attrs {
		l.set("", a)
	}
	record.Attrs(func(a slog.Attr) bool {
		l.set(h.group, a)
		return true
	})
	h.recent.add(l)
	return h.next.Handle(ctx, record)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := slices.Clone(h.attrs)
	for _, a := range attrs {
		a.Key = h.group + a.Key
		more = append(more, a)
	}
	return &handler{next: h.next.WithAttrs(attrs), recent: h.recent, attrs: more, group: h.group}
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{next: h.next.WithGroup(name), recent: h.recent, attrs: h.attrs, group: h.group + name + "."}
}

// set keeps the text of an attribute: its value may change or hold much more.
func (l *Line) set(group string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range value.Group() {
			l.set(group, inner)
		}
		return
	}
	if a.Key == "" {
		return
	}
	name, text := group+a.Key, short(value.String())
	l.size += len(name) + len(text)
	if name == "plugin" {
		l.Plugin = text
		return
	}
	if l.Attrs == nil {
		l.Attrs = map[string]string{}
	}
	l.Attrs[name] = text
}

// short returns a text of its own, cut when it is long.
func short(s string) string {
	if len(s) > keepText {
		return strings.ToValidUTF8(s[:keepText], "") + "…"
	}
	return strings.Clone(s)
}
