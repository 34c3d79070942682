package logs

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func newLog(level slog.Level) (*slog.Logger, *Recent, *bytes.Buffer) {
	var text bytes.Buffer
	r := NewRecent()
	return slog.New(r.Handler(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: level}))), r, &text
}

func show(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s %s %s %v\n", l.Level, l.Message, l.Plugin, l.Attrs)
	}
	return b.String()
}

func TestLines(t *testing.T) {
	log, r, text := newLog(slog.LevelInfo)
	log.Info("start", "took", time.Second)
	log.Debug("not wanted")
	log.Warn("said", slog.String("plugin", "a"), slog.Any("error", io.EOF))
	log.With("plugin", "b", "k", 1).Error("with", "more", true)
	log.WithGroup("").WithGroup("g").With("x", 1).Info("grouped", "plugin", "no", slog.Group("in", "y", 2))
	want := `INFO start  map[took:1s]
WARN said a map[error:EOF]
ERROR with b map[k:1 more:true]
INFO grouped  map[g.in.y:2 g.plugin:no g.x:1]
`
	if got := show(r.Lines("", 100)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := show(r.Lines("a", 100)); got != "WARN said a map[error:EOF]\n" {
		t.Errorf("of plugin a: %s", got)
	}
	if got := show(r.Lines("", 1)); !strings.HasPrefix(got, "INFO grouped") || strings.Count(got, "\n") != 1 {
		t.Errorf("the last one: %s", got)
	}
	if got := r.Lines("none", 1); got == nil || len(got) != 0 {
		t.Errorf("of no plugin: %v", got)
	}
	if n := strings.Count(text.String(), "\n"); n != 4 || !strings.Contains(text.String(), "g.in.y=2") {
		t.Errorf("handed on:\n%s", text)
	}
}

// A plugin that says much loses its own lines only, and nothing grows for ever.
func TestBounds(t *testing.T) {
	log, r, _ := newLog(slog.LevelInfo)
	log.Info("quiet", "plugin", "quiet")
	for i := range 3 * keepLines {
		log.Info("loud", "plugin", "loud", "i", i)
	}
	loud := r.Lines("loud", 10*keepLines)
	if len(loud) != keepLines || loud[keepLines-1].Attrs["i"] != fmt.Sprint(3*keepLines-1) {
		t.Errorf("%d lines of the loud one", len(loud))
	}
	if len(r.Lines("quiet", 10)) != 1 {
		t.Error("the quiet one's line is gone")
	}
	for range 100 {
		log.Info("large", "plugin", "large", "stack", strings.Repeat("x", 10*keepText))
	}
	size := 0
	for _, l := range r.Lines("large", 1000) {
		size += len(l.Attrs["stack"])
	}
	if size < keepBytes/2 || size > keepBytes {
		t.Errorf("%d bytes of large lines", size)
	}
	for i := range 2 * keepNames {
		log.Info("one", "plugin", fmt.Sprint("p", i))
	}
	log.Info("host")
	if n := len(r.lines); n > keepNames {
		t.Errorf("lines of %d plugins", n)
	}
	if len(r.Lines(fmt.Sprint("p", 2*keepNames-1), 1)) != 1 || len(r.Lines("quiet", 1)) != 0 {
		t.Error("the wrong plugin was dropped")
	}
}

func TestConcurrent(t *testing.T) {
	r := NewRecent()
	log := slog.New(r.Handler(slog.NewTextHandler(io.Discard, nil)))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 500 {
				log.Info("x", "plugin", fmt.Sprint(i))
				r.Lines("", 10)
			}
		})
	}
	wg.Wait()
	if n := len(r.Lines("", 4*500)); n != 4*keepLines {
		t.Errorf("%d lines are kept of four plugins, want %d of each", n, keepLines)
	}
}
