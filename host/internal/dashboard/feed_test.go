package dashboard

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/valyala/fasthttp"
)

// made is a feed whose samples are numbered and whose one document is text.
func made(text *string) *Feed {
	n := 0
	return New(Options{
		Sample:    func() Sample { n++; return Sample{Time: int64(n), Seconds: 1, P50: -1, P99: 0.25, CPU: -1} },
		Documents: []Document{{"text", func() any { return *text }}},
	})
}

// event is one of a stream.
type event struct {
	name string
	data any
}

func events(t *testing.T, text string) (list []event) {
	t.Helper()
	for part := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(strings.TrimPrefix(part, "event: "), "\ndata: ")
		var value any
		if err := json.Unmarshal([]byte(data), &value); err != nil || !ok {
			t.Fatalf("%v in %q", err, part)
		}
		list = append(list, event{name, value})
	}
	return list
}

// TestNews: a viewer gets all there is, then what is new, and nothing twice.
func TestNews(t *testing.T) {
	text := "<one>\n\ndata: two"
	f := made(&text)
	for range Keep + 5 {
		f.step()
	}
	if !f.enter() {
		t.Fatal("there is no room")
	}
	var s seen
	b, _ := f.news(nil, &s)
	list := events(t, string(b))
	if len(list) != 3 || list[0].name != "fields" || list[1] != (event{"text", text}) || list[2].name != "samples" {
		t.Fatalf("got %v", list)
	}
	fields, rows := list[0].data.([]any), list[2].data.([]any)
	if len(rows) != Keep || len(rows[0].([]any)) != len(fields) {
		t.Fatalf("%d samples, %v for %v", len(rows), rows[0], fields)
	}
	if got := fmt.Sprint(rows[0], rows[Keep-1]); got != "[6 1 0 0 0 <nil> 0.25 <nil> 0 0 0 0 0] [605 1 0 0 0 <nil> 0.25 <nil> 0 0 0 0 0]" {
		t.Errorf("got %s", got)
	}
	if b, _ := f.news(nil, &s); len(b) != 0 {
		t.Errorf("the same again: %q", b)
	}
	f.step()
	f.step() // the document is made again, and is the same
	if b, _ := f.news(nil, &s); string(b) != "event: samples\ndata: [[606,1.000,0,0,0,null,0.25,null,0,0,0,0,0],[607,1.000,0,0,0,null,0.25,null,0,0,0,0,0]]\n\n" {
		t.Errorf("got %q", b)
	}
	text = "new"
	f.step()
	f.step()
	if b, _ := f.news(nil, &s); !strings.HasPrefix(string(b), "event: text\ndata: \"new\"\n\n") {
		t.Errorf("got %q", b)
	}
	f.leave()
}

// TestDocumentsAreForViewers: nobody looks, nothing is made.
func TestDocumentsAreForViewers(t *testing.T) {
	count := 0
	f := New(Options{
		Sample:    func() Sample { return Sample{} },
		Documents: []Document{{"count", func() any { count++; return count }}},
	})
	for range 10 {
		f.step()
	}
	if count != 0 {
		t.Errorf("made %d times for nobody", count)
	}
	for range MaxViewers {
		if !f.enter() {
			t.Fatal("there is no room")
		}
	}
	if count != 1 {
		t.Errorf("made %d times for viewers that came at once", count)
	}
	if f.enter() {
		t.Error("one too many")
	}
	for range 10 {
		f.step()
	}
	if count != 6 {
		t.Errorf("made %d times in ten seconds, want every other", count)
	}
	for range MaxViewers {
		f.leave()
	}
	for range 10 {
		f.step()
	}
	if count != 6 || f.Viewers() != 0 {
		t.Errorf("made %d times, %d viewers", count, f.Viewers())
	}
}

// client is one whose state a test decides.
type client struct {
	alive  bool
	unsent int
}

func (c *client) Alive() bool { return c.alive }
func (c *client) Unsent() int { return c.unsent }

// TestGone: a client that has left, or acknowledges nothing, ends its stream.
func TestGone(t *testing.T) {
	text := ""
	for name, change := range map[string]func(*client, *stream){
		"left":     func(c *client, s *stream) { c.alive = false },
		"vanished": func(c *client, s *stream) { c.unsent = 1; s.heard = s.heard.Add(-2 * patience) },
	} {
		f := made(&text)
		f.enter()
		c := &client{alive: true}
		s := &stream{feed: f, client: c}
		buf := make([]byte, 4096)
		for range 2 {
			f.step()
			if n, err := s.Read(buf); n == 0 || err != nil {
				t.Fatalf("%s: %d, %v", name, n, err)
			}
			s.rest = nil
		}
		change(c, s)
		done := make(chan error)
		go func() { _, err := s.Read(buf); done <- err }()
		f.step()
		if err := <-done; err != io.ErrClosedPipe {
			t.Errorf("%s: %v", name, err)
		}
		_ = s.Close()
		_ = s.Close()
		if n := f.Viewers(); n != 0 {
			t.Errorf("%s: %d viewers", name, n)
		}
	}
}

// TestBounds: what the feed keeps, and what a second costs it, does not grow.
func TestBounds(t *testing.T) {
	if size := unsafe.Sizeof(ring{}); size > 40<<10 {
		t.Errorf("ten minutes take %d bytes", size)
	}
	text := "text"
	f := made(&text)
	if n := testing.AllocsPerRun(2*Keep, f.step); n > 1 { // the channel that wakes viewers
		t.Errorf("a second costs %v allocations", n)
	}
	f.enter()
	s := seen{documents: []int{0}}
	f.step()
	b, _ := f.news(make([]byte, 0, 1<<20), &s)
	if len(b) > 100*Keep {
		t.Errorf("ten minutes are sent in %d bytes", len(b))
	}
	if n := testing.AllocsPerRun(100, func() {
		f.ring.add(Sample{})
		b, _ = f.news(b[:0], &s)
	}); n != 0 {
		t.Errorf("a second costs each viewer %v allocations", n)
	}
}

func TestPage(t *testing.T) {
	for target, want := range map[string]string{
		"/": "text/html", "/dashboard": "text/html", "/dashboard/main.js": "text/javascript", "/dashboard/style.css": "text/css",
		"/dashboard/": "", "/dashboard/../feed.go": "", "/dashboard/none": "", "/none": "",
	} {
		var ctx fasthttp.RequestCtx
		ok := Page(&ctx, target)
		if got := string(ctx.Response.Header.ContentType()); ok != (want != "") || ok && got != want+"; charset=utf-8" {
			t.Errorf("%s: %v, %s", target, ok, got)
		}
		policy := string(ctx.Response.Header.Peek("Content-Security-Policy"))
		if ok && (!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe")) {
			t.Errorf("%s: the policy is %q", target, policy)
		}
	}
}

// TestPageIsItsOwn: the page names nothing of another site, has nothing inline, and
// its scripts put no text in as markup.
func TestPageIsItsOwn(t *testing.T) {
	files, err := os.ReadDir("page")
	if err != nil || len(files) < 3 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		b, err := os.ReadFile("page/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		path := "/dashboard/" + file.Name()
		if file.Name() == "index.html" {
			path = "/"
		}
		if served, _ := fileAt(path); served != string(b) {
			t.Errorf("%s is not what %s serves", file.Name(), path)
		}
		text := strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", "")
		for _, bad := range []string{"http:", "https:", "@import", "url(", "style=", "onclick", "<script>", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q", file.Name(), bad)
			}
		}
	}
}

func BenchmarkStep(b *testing.B) {
	text := ""
	f := made(&text)
	for b.Loop() {
		f.step()
	}
}
