package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed wrk.lua
var wrkScript []byte

// load is what wrk reports, and what the server used meanwhile.
type load struct {
	Requests int64   `json:"requests"`
	Micros   int64   `json:"micros"`
	P50      float64 `json:"p50"` // µs
	P99      float64 `json:"p99"`
	P999     float64 `json:"p999"`
	Errors   int64   `json:"errors"`
	CPU      float64 // µs of the server, for each request
	RSS, PSS int64   // of the server, under the load
}

// PerSecond is the rate of requests.
func (l load) PerSecond() float64 { return float64(l.Requests) / (float64(l.Micros) / 1e6) }

// drive loads a server for some seconds over connections that are kept alive.
// The arguments are those of wrk.lua.
func (w *workshop) drive(ctx context.Context, s *server, connections int, seconds float64, args ...string) (load, error) {
	script := filepath.Join(w.work, "wrk.lua")
	if err := os.WriteFile(script, wrkScript, 0o644); err != nil {
		return load{}, err
	}
	// The access log of the last measurement is not needed any more.
	if err := s.log.Truncate(0); err != nil {
		return load{}, err
	}
	// wrk takes whole seconds.
	whole := max(1, int(seconds+0.5))
	ctx, cancel := context.WithTimeout(ctx, time.Duration(whole)*time.Second+30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "wrk", append([]string{"-t1", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", whole),
		"--timeout", "10s", "-s", script, s.url("/"), "--"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	before := usageOf(s.cmd.Process.Pid)
	if err := cmd.Start(); err != nil {
		return load{}, err
	}
	time.Sleep(time.Duration(whole) * time.Second * 7 / 10)
	memory := memoryOf(s.cmd.Process.Pid)
	err := cmd.Wait()
	after := usageOf(s.cmd.Process.Pid)
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w: %s", err, lastLine(output.String()))
	}
	_, figures, ok := strings.Cut(output.String(), "figures: ")
	if !ok {
		return load{}, fmt.Errorf("wrk printed no figures: %s", lastLine(output.String()))
	}
	l := load{RSS: memory.RSS, PSS: memory.PSS}
	if err := json.Unmarshal([]byte(figures), &l); err != nil {
		return load{}, fmt.Errorf("reading the figures of wrk: %w", err)
	}
	if l.Requests == 0 {
		return load{}, fmt.Errorf("no request was answered")
	}
	l.CPU = float64((after.CPU - before.CPU).Microseconds()) / float64(l.Requests)
	return l, nil
}
