//go:build unix

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The rules of a route and its traces, as the program itself has them.

func TestRulesOfTheProgram(t *testing.T) {
	t.Parallel()
	s := portSharer(t, "127.0.0.1:0", "")
	s.edit(`handler = "greeter.say"`, `handler = "greeter.say"
rate = "1/h"
rate_burst = 3
cors_origins = ["https://app.example"]
compress = true
compress_min = 1
headers = {"X-Frame-Options" = "DENY"}`)
	p := s.start()
	ask := func(method string, headers ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+p.addr+"/greet", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp
	}
	const origin, allowed = "Origin", "Access-Control-Allow-Origin"
	for range 5 { // preflights take no tokens
		resp := ask("OPTIONS", origin, "https://app.example", "Access-Control-Request-Method", "PUT")
		if resp.StatusCode != 204 || resp.Header.Get(allowed) != "https://app.example" || resp.Header.Get("Access-Control-Allow-Methods") != "PUT" {
			t.Fatalf("the preflight got %v", resp)
		}
	}
	for i := range 5 {
		resp := ask("GET", origin, "https://app.example")
		want := 200
		if i >= 3 {
			want = 429
		}
		if resp.StatusCode != want || resp.Header.Get(allowed) != "https://app.example" || resp.Header.Get("X-Frame-Options") != "DENY" ||
			(resp.Header.Get("Retry-After") != "") != (want == 429) {
			t.Errorf("request %d got %v, want %d", i, resp, want)
		}
	}
	p.skipLog()
	p.signal(syscall.SIGHUP)
	p.expectLog("msg=reloaded")
	if resp := ask("GET"); resp.StatusCode != 429 {
		t.Errorf("after a reload: %v", resp)
	}
	p.stop()
}

// Spans of the last moment reach the collector before the process ends.
func TestSpansOfTheProgram(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	names := map[string]int{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct {
			ResourceSpans []struct {
				ScopeSpans []struct {
					Spans []struct{ Name, TraceID string }
				}
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, span := range message.ResourceSpans[0].ScopeSpans[0].Spans {
			names[span.Name]++
		}
	}))
	defer collector.Close()
	p := portSharer(t, "127.0.0.1:0", "[trace]\notlp = \""+collector.URL+"\"").start()
	const n = 1500
	for range n {
		if resp, err := http.Get("http://" + p.addr + "/greet"); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v, %v", resp, err)
		} else {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	p.stop()
	mu.Lock()
	defer mu.Unlock()
	if names["GET /greet"] != n || names["greeter.say"] != n || len(names) != 2 {
		t.Errorf("spans %v, want %d of each", names, n)
	}
	if !strings.Contains(p.stderr.String(), " trace_id=") {
		t.Error("the access log has no trace_id")
	}
}
