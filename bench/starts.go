package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// startRow is one way to start the host.
type startRow struct {
	What             string
	Cold, Warm       []float64 // ms from exec to the first 200
	ColdPhases       []phase   // of one start
	WarmPhases       []phase
	IdleRSS, IdlePSS int64
}

// phase is a part of a start.
type phase struct {
	Name string
	At   float64 // ms after exec at which it ended
}

// starts measures the host's start without a cache of compiled code, and with one.
func (m *meter) starts(ctx context.Context) (rows []startRow, err error) {
	for _, c := range []struct{ what, user, order string }{
		{"user + order, C plugins (twice the benchmark's)", "c.wasm", "c.wasm"},
		{"user + order, Go plugins", "user.wasm", "order.wasm"},
	} {
		s := &site{access: true}
		s.plugin(m.workshop, "user", c.user)
		s.plugin(m.workshop, "order", c.order)
		path := "/health"
		s.route("GET", path, "@health")
		if c.user == "c.wasm" {
			s.route("GET", "/users/{id}", "user.get_user")
			s.route("GET", "/orders/{id}", "order.get_user")
			path = "/users/7"
			for i := range s.plugins { // two plugins, not one file twice
				s.plugins[i].binary = stamped(s.plugins[i].binary, i)
			}
		} else {
			s.plugins[0].settings = "store = \"users\""
			s.plugins[1].settings = "store = \"orders\"\ncalls = [\"user\"]"
			s.route("GET", "/users", "user.list_users")
			s.route("GET", "/orders/{id}", "order.get_order")
			s.routes = append(s.routes, "[service.user]\ntargets = [\"local\"]\n")
			path = "/users"
		}
		row := startRow{What: c.what}
		l := m.wasmlane("start", s)
		cache := filepath.Join(l.dir, ".wasmlane", "cache")
		cold, warm := 3, 11
		if m.quick {
			cold, warm = 1, 2
		}
		for n := range cold + warm {
			if n < cold {
				if err := os.RemoveAll(cache); err != nil {
					return nil, err
				}
			}
			began := time.Now()
			server, err := m.start(ctx, "start", l, path)
			if err != nil {
				return nil, err
			}
			if n == cold+warm-1 {
				time.Sleep(settle)
				idle := memoryOf(server.cmd.Process.Pid)
				row.IdleRSS, row.IdlePSS = idle.RSS, idle.PSS
			}
			server.stop()
			up := float64(server.up.Microseconds()) / 1000
			phases, err := phasesOf(server.log.Name(), began, up)
			if err != nil {
				return nil, err
			}
			if n < cold {
				row.Cold, row.ColdPhases = append(row.Cold, up), phases
			} else {
				row.Warm, row.WarmPhases = append(row.Warm, up), phases
			}
		}
		m.say("%s: cold %s ms, warm %s ms, idle %s", row.What, spread(row.Cold, "%.0f"), spread(row.Warm, "%.1f"), mib(row.IdleRSS))
		rows = append(rows, row)
	}
	return rows, nil
}

var logLine = regexp.MustCompile(`^time=(\S+) level=\S+ msg=("[^"]*"|\S+)(?: plugin=(\S+))?(?: duration=(\S+))?`)

// phasesOf reads from the host's log when it had done what.
func phasesOf(file string, began time.Time, up float64) (phases []phase, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	first := up // when the first plugin was turned to
	for line := range strings.SplitSeq(string(text), "\n") {
		match := logLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, match[1])
		if err != nil {
			continue
		}
		name := strings.Trim(match[2], `"`)
		if match[3] != "" {
			name += " " + match[3]
		}
		switch {
		case strings.HasPrefix(name, "compiled"), strings.HasPrefix(name, "plugin loaded"), name == "listening":
			// The log counts whole milliseconds.
			ended := min(max(0, float64(at.Sub(began).Microseconds())/1000), up)
			phases = append(phases, phase{name, ended})
			if took, err := time.ParseDuration(match[4]); err == nil {
				first = min(first, max(0, ended-float64(took.Microseconds())/1000))
			}
		}
	}
	phases = append([]phase{{"process, configuration", first}}, phases...)
	return append(phases, phase{"first 200", up}), nil
}

// stamped returns the module with a custom section that holds a number, so that no
// two are the same file.
func stamped(module []byte, number int) []byte {
	name := "bench"
	content := append([]byte{byte(len(name))}, name...)
	content = append(content, byte(number), byte(number>>8), byte(number>>16))
	return append(append(append([]byte{}, module...), 0, byte(len(content))), content...)
}
