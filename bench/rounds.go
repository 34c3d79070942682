package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// meter measures.
type meter struct {
	*workshop
	options
}

// result is what the rounds found about a peer.
type result struct {
	Name, What, Settings string
	NotRun               string          `json:",omitempty"` // the reason
	Size                 int64           // bytes that must be there to run it
	Start                []float64       // ms from exec to the first 200
	IdleRSS, IdlePSS     int64           // after a first request
	Rounds               map[int][]*load // by connections, one of each round; nil where it failed
	Failures             []string        `json:",omitempty"`
}

// crowds are the numbers of connections that peers are measured at.
var crowds = []int{64, 1000}

const (
	starts = 5               // how often a start is measured
	settle = 1 * time.Second // before idle memory is read
)

// peers measures all that can run: first each start, alone; then rounds, in which
// all servers run and one at a time has work. Between two rounds the order is
// rotated, so that no peer always follows the same one.
func (m *meter) peers(ctx context.Context, peers []*peer, results []*result) error {
	servers := make([]*server, len(peers))
	defer func() {
		for _, s := range servers {
			if s != nil {
				s.stop()
			}
		}
	}()
	for i, p := range peers {
		r := results[i]
		if r.NotRun != "" {
			continue
		}
		r.Size, r.Rounds = m.installed(p.size), make(map[int][]*load)
		var err error
		if servers[i], err = m.open(ctx, p, r); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r.NotRun = err.Error()
			m.say("%s: not run: %v", p.name, err)
			continue
		}
		m.say("%s: first 200 after %.0f ms, idle %s", p.name, median(r.Start), mib(r.IdleRSS))
	}
	for round := -1; round < m.rounds; round++ { // -1 warms up
		for turn := range peers {
			i := (turn + max(round, 0)) % len(peers)
			s, r := servers[i], results[i]
			if s == nil {
				continue
			}
			if round < 0 {
				seconds := m.seconds
				if peers[i].slow && !m.quick {
					seconds = max(seconds, 8) // compilers of hot code want it
				}
				if _, err := m.drive(ctx, s, crowds[0], seconds); err != nil && ctx.Err() != nil {
					return ctx.Err()
				}
				continue
			}
			for _, connections := range crowds {
				l, err := m.drive(ctx, s, connections, m.seconds)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					r.Failures = append(r.Failures, fmt.Sprintf("round %d, %d connections: %v", round+1, connections, err))
					r.Rounds[connections] = append(r.Rounds[connections], nil)
					continue
				}
				r.Rounds[connections] = append(r.Rounds[connections], &l)
			}
		}
		m.say("round %d of %d: %s", round+1, m.rounds, m.brief(results))
	}
	return nil
}

// open measures a peer's start and leaves it running.
func (m *meter) open(ctx context.Context, p *peer, r *result) (*server, error) {
	times := starts
	if m.quick {
		times = 1
	}
	l := p.start(m.workshop, p)
	for n := 0; ; n++ {
		s, err := m.start(ctx, p.name, l, "/users/7")
		if err != nil {
			return nil, err
		}
		// What a first start leaves behind, compiled code for one, is what later
		// ones are measured with. The table of starts has the first.
		if n > 0 || times == 1 {
			r.Start = append(r.Start, float64(s.up.Microseconds())/1000)
		}
		if n < times && times > 1 {
			s.stop()
			continue
		}
		if err := s.check(); err != nil {
			s.stop()
			return nil, err
		}
		time.Sleep(settle)
		idle := memoryOf(s.cmd.Process.Pid)
		r.IdleRSS, r.IdlePSS = idle.RSS, idle.PSS
		return s, nil
	}
}

// brief shows the last round on one line.
func (m *meter) brief(results []*result) string {
	var parts []string
	for _, r := range results {
		if loads := r.Rounds[crowds[0]]; len(loads) > 0 && loads[len(loads)-1] != nil {
			l := loads[len(loads)-1]
			parts = append(parts, fmt.Sprintf("%s %.0f/s %.1fµs", r.Name, l.PerSecond(), l.CPU))
		}
	}
	return strings.Join(parts, ", ")
}

// against returns, for each round in which both were measured, what f makes of the
// two loads.
func (r *result) against(other *result, connections int, f func(a, b *load) float64) (values []float64) {
	if other == nil {
		return nil
	}
	mine, theirs := r.Rounds[connections], other.Rounds[connections]
	for i := range min(len(mine), len(theirs)) {
		if mine[i] != nil && theirs[i] != nil {
			values = append(values, f(mine[i], theirs[i]))
		}
	}
	return values
}

// each returns a figure of every round.
func (r *result) each(connections int, f func(*load) float64) []float64 {
	return r.against(r, connections, func(l, _ *load) float64 { return f(l) })
}

func rate(a, b *load) float64    { return a.PerSecond() / b.PerSecond() }
func moreCPU(a, b *load) float64 { return a.CPU - b.CPU }
func moreRSS(a, b *load) float64 { return float64(a.RSS-b.RSS) / (1 << 20) }
