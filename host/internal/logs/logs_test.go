package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a writer that tests read, and that can be made to block or fail.
type memory struct {
	mu    sync.Mutex
	text  strings.Builder
	calls int
	gate  chan struct{} // when set, each Write waits for it
	begun chan struct{} // when set, the first Write closes it
	once  sync.Once
	err   error
}

func (m *memory) Write(p []byte) (int, error) {
	if m.gate != nil {
		m.once.Do(func() { close(m.begun) })
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.err != nil {
		return 0, m.err
	}
	return m.text.Write(p)
}

func (m *memory) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

func TestLinesKeepTheirOrder(t *testing.T) {
	w := &memory{}
	s := NewSink(w)
	for _, c := range []struct {
		w    io.Writer
		line string
	}{{Buffered{s}, "one\n"}, {Buffered{s}, "two\n"}, {s, "three\n"}, {Buffered{s}, "four\n"}} {
		if n, err := c.w.Write([]byte(c.line)); n != len(c.line) || err != nil {
			t.Errorf("%q: %d, %v", c.line, n, err)
		}
	}
	if got := w.String(); got != "one\ntwo\nthree\n" {
		t.Errorf("before the flush: %q", got)
	}
	if err := s.Flush(); err != nil || w.String() != "one\ntwo\nthree\nfour\n" {
		t.Errorf("after it: %q, %v", w.String(), err)
	}
	if err := s.Flush(); err != nil || w.calls != 2 {
		t.Errorf("%d writes, %v", w.calls, err)
	}
}

// What waits is written without anybody asking.
func TestLinesDoNotWaitForLong(t *testing.T) {
	w := &memory{}
	s := NewSink(w)
	for round := range 3 {
		_, _ = Buffered{s}.Write([]byte("line\n"))
		for deadline := time.Now().Add(10 * time.Second); strings.Count(w.String(), "\n") <= round; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the line was not written")
			}
		}
	}
}

// A reader of the log that stands still holds no request up. What does not fit is
// counted.
func TestNobodyWaitsForTheWriter(t *testing.T) {
	w := &memory{gate: make(chan struct{}), begun: make(chan struct{})}
	s := NewSink(w)
	line := []byte(strings.Repeat("x", 999) + "\n")
	flushed := make(chan error)
	s.buffer(line)
	go func() { flushed <- s.Flush() }()
	<-w.begun
	const n = 2 * most / 1000
	for range n {
		s.buffer(line)
	}
	close(w.gate)
	if err := <-flushed; err != nil {
		t.Error(err)
	}
	if err := s.Flush(); err != nil {
		t.Error(err)
	}
	got := w.String()
	var lost int
	at := strings.LastIndex(strings.TrimSuffix(got, "\n"), "\n")
	_, after, _ := strings.Cut(got[at+1:], `level=WARN msg="lines of the access log were lost: the log was not taken fast enough" lines=`)
	if _, err := fmt.Sscan(after, &lost); err != nil {
		t.Fatalf("the last line is %q: %v", got[at+1:], err)
	}
	if kept := strings.Count(got, string(line)); kept+lost != n+1 || kept != most/1000+1 {
		t.Errorf("%d lines were kept and %d lost, of %d", kept, lost, n+1)
	}
}

func TestErrorsOfTheWriter(t *testing.T) {
	w := &memory{err: errors.New("disk full")}
	s := NewSink(w)
	if _, err := s.Write([]byte("a\n")); err != w.err {
		t.Errorf("Write: %v", err)
	}
	s.buffer([]byte("b\n"))
	if err := s.Flush(); err != w.err {
		t.Errorf("Flush: %v", err)
	}
	w.err = nil
	s.buffer([]byte("c\n"))
	if err := s.Flush(); err != nil || w.String() != "c\n" {
		t.Errorf("after that: %q, %v", w.String(), err)
	}
}

func TestManyWriters(t *testing.T) {
	w := &memory{}
	s := NewSink(w)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				line := fmt.Appendf(nil, "%d %d\n", g, i)
				if i%50 == 0 {
					_, _ = s.Write(line)
				} else {
					s.buffer(line)
				}
			}
		})
	}
	all.Wait()
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	next := [8]int{}
	for line := range strings.Lines(w.String()) {
		var g, i int
		if _, err := fmt.Sscanf(line, "%d %d\n", &g, &i); err != nil || next[g] != i {
			t.Fatalf("line %q: %v, want %d", line, err, next[g])
		}
		next[g]++
	}
	if next != [8]int{500, 500, 500, 500, 500, 500, 500, 500} {
		t.Errorf("lines of each: %v", next)
	}
}

// bySlog is the line as slog writes it.
func bySlog(r *Request, json bool) string {
	var b bytes.Buffer
	var h slog.Handler = slog.NewTextHandler(&b, nil)
	if json {
		h = slog.NewJSONHandler(&b, nil)
	}
	handler := r.Handler
	if r.Plugin != "" {
		handler = r.Plugin + "." + handler
	}
	record := slog.NewRecord(r.Time, slog.LevelInfo, "request", 0)
	record.AddAttrs(slog.String("method", string(r.Method)), slog.String("path", string(r.Path)), slog.Int("status", r.Status),
		slog.Duration("took", r.Took), slog.Int64("bytes", r.Bytes), slog.String("remote", string(r.Remote)),
		slog.String("request_id", string(r.ID)), slog.String("handler", handler))
	if len(r.Trace) > 0 {
		record.AddAttrs(slog.String("trace_id", string(r.Trace)))
	}
	if r.Reason != "" {
		record.AddAttrs(slog.String("reason", r.Reason))
	}
	_ = h.Handle(context.Background(), record)
	return b.String()
}

func formatOf(json bool) Format {
	if json {
		return JSON
	}
	return Text
}

func FuzzAccess(f *testing.F) {
	f.Add("GET", "/users/7", "127.0.0.1", "46e460b8", "user", "get_user", "", 200, int64(102_000), int64(59), int64(1764086458509000000))
	f.Add("GET", "/users/a b\"c=d", "::1", "", "", "@health", "no such route", 404, int64(0), int64(-1), int64(1))
	f.Add("PUT", "/\x00\u2028<é>\xff", "", "&", "p", "", "x\ny", -1, int64(1<<62), int64(1<<62), int64(-1<<60))
	f.Fuzz(func(t *testing.T, method, path, remote, id, plugin, handler, reason string, status int, took, size, at int64) {
		r := &Request{Time: time.Unix(0, at).UTC(), Took: time.Duration(took), Method: []byte(method), Path: []byte(path), Status: status,
			Bytes: size, Remote: []byte(remote), ID: []byte(id), Plugin: plugin, Handler: handler, Reason: reason}
		for _, json := range []bool{false, true} {
			w := &memory{}
			s := NewSink(w)
			NewAccess(s, formatOf(json)).Log(r)
			_ = s.Flush()
			if want := bySlog(r, json); w.String() != want {
				t.Errorf("got  %q\nwant %q", w.String(), want)
			}
		}
	})
}

// zones are written as slog writes them.
func TestTimeZones(t *testing.T) {
	r := &Request{Method: []byte("GET"), Path: []byte("/"), Handler: "@health", Remote: []byte("::1"), ID: []byte("1"),
		Trace: []byte("4bf92f3577b34da6a3ce929d0e0e4736")}
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 3600+1800), time.FixedZone("", -7*3600)} {
		for _, ns := range []int{0, 120_000_000, 999_999_999, 1} {
			r.Time = time.Date(2026, 3, 4, 5, 6, 7, ns, zone)
			for _, json := range []bool{false, true} {
				w := &memory{}
				s := NewSink(w)
				NewAccess(s, formatOf(json)).Log(r)
				_ = s.Flush()
				if want := bySlog(r, json); w.String() != want {
					t.Errorf("got  %q\nwant %q", w.String(), want)
				}
			}
		}
	}
}

func benchRequest() *Request {
	return &Request{Time: time.Now(), Took: 102 * time.Microsecond, Method: []byte("GET"), Path: []byte("/users/7"), Status: 200, Bytes: 59,
		Remote: []byte("127.0.0.1"), ID: []byte("46e460b831fffec82b90725f85e6d147"), Plugin: "user", Handler: "get_user"}
}

func BenchmarkAccess(b *testing.B) {
	r := benchRequest()
	b.Run("text", func(b *testing.B) {
		a := NewAccess(NewSink(io.Discard), Text)
		b.ReportAllocs()
		for b.Loop() {
			a.Log(r)
		}
	})
	b.Run("slog", func(b *testing.B) {
		a := NewAccess(NewSink(io.Discard), Text)
		b.ReportAllocs()
		for b.Loop() {
			a.quoted(r)
		}
	})
}
