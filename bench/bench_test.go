package main

import (
	"bytes"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
	if got := spread([]float64{3, 1, 2}, "%.0f"); got != "2 (1–3)" {
		t.Errorf("spread: %s", got)
	}
}

// A ratio is that of one round; a round that failed on either side has none.
func TestAgainst(t *testing.T) {
	loads := func(requests ...int64) *result {
		r := &result{Rounds: map[int][]*load{}}
		for _, n := range requests {
			if n == 0 {
				r.Rounds[64] = append(r.Rounds[64], nil)
			} else {
				r.Rounds[64] = append(r.Rounds[64], &load{Requests: n, Micros: 1e6})
			}
		}
		return r
	}
	got := loads(90, 0, 50, 10).against(loads(100, 100, 0, 20), 64, rate)
	if len(got) != 2 || got[0] != 0.9 || got[1] != 0.5 {
		t.Errorf("ratios %v, want 0.9 and 0.5", got)
	}
}

func TestUsage(t *testing.T) {
	for begin := time.Now(); usageOf(os.Getpid()).CPU == 0 && time.Since(begin) < time.Minute; {
	}
	if u := usageOf(os.Getpid()); u.CPU == 0 {
		t.Error("this process has used no CPU")
	}
	if u := memoryOf(os.Getpid()); u.RSS < 1<<20 || u.PSS > u.RSS {
		t.Errorf("RSS %d, PSS %d", u.RSS, u.PSS)
	}
}

// What answers something else is not measured.
func TestCheck(t *testing.T) {
	const right = `{"email": "user7@example.com", "id": "7", "name": "User 7"}`
	for _, c := range []struct {
		kind, body string
		ok         bool
	}{
		{"application/json", right, true},
		{"application/json; charset=utf-8", right, true},
		{"text/plain", right, false},
		{"application/json", strings.Replace(right, "User 7", "User 8", 1), false},
		{"application/json", strings.Replace(right, "}", `, "more": 1}`, 1), false},
		{"application/json", "hello", false},
	} {
		peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			_, _ = w.Write([]byte(c.body))
		}))
		_, port, _ := net.SplitHostPort(peer.Listener.Addr().String())
		number, _ := strconv.Atoi(port)
		if err := (&server{port: number}).check(); (err == nil) != c.ok {
			t.Errorf("%s %s: %v", c.kind, c.body, err)
		}
		peer.Close()
	}
}

func TestPhases(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "log")
	text := `time=2026-01-01T00:00:00.010Z level=INFO msg=compiled plugin=a duration=9ms cached=false
time=2026-01-01T00:00:00.012Z level=INFO msg="plugin loaded" plugin=a bytes=1
time=2026-01-01T00:00:00.013Z level=INFO msg=listening addr=127.0.0.1:1
time=2026-01-01T00:00:00.020Z level=INFO msg=request method=GET
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	phases, err := phasesOf(file, began, 15)
	if err != nil {
		t.Fatal(err)
	}
	want := []phase{{"process, configuration", 1}, {"compiled a", 10}, {"plugin loaded a", 12}, {"listening", 13}, {"first 200", 15}}
	if len(phases) != len(want) {
		t.Fatalf("got %v", phases)
	}
	for i := range want {
		if phases[i] != want[i] {
			t.Errorf("got %v, want %v", phases[i], want[i])
		}
	}
}

// Modules that differ in nothing but their number are two files, and modules still.
func TestStamped(t *testing.T) {
	module := []byte("\x00asm\x01\x00\x00\x00")
	a, b := stamped(module, 1), stamped(module, 2)
	if bytes.Equal(a, b) || !bytes.HasPrefix(a, module) {
		t.Errorf("%x and %x", a, b)
	}
	if section := a[len(module):]; section[0] != 0 || int(section[1]) != len(section)-2 {
		t.Errorf("not a custom section: %x", section)
	}
}
