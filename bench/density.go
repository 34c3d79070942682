package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// densityRow is the host with a number of plugins.
type densityRow struct {
	Plugins             int
	Cold, Warm          float64 // ms from exec to the first 200
	IdleRSS, IdlePSS    int64   // after the start
	UsedRSS, UsedPSS    int64   // after each plugin has answered a request
	P50, P99, CPU, Rate float64 // of one of them, at one connection
	Reload              float64 // ms for one changed file
}

// density loads many plugins, each a file and a route of its own.
func (m *meter) density(ctx context.Context) (rows []densityRow, err error) {
	for _, n := range []int{1, 10, 100, 500} {
		row, err := m.dense(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("%d plugins: %w", n, err)
		}
		m.say("%d plugins: cold %.0f ms, warm %.0f ms, idle %s, used %s, p50 %.0f µs, reload %.0f ms", n, row.Cold, row.Warm, mib(row.IdleRSS), mib(row.UsedRSS), row.P50, row.Reload)
		rows = append(rows, row)
	}
	return rows, nil
}

func (m *meter) dense(ctx context.Context, n int) (row densityRow, err error) {
	binary, err := os.ReadFile(m.made("c.wasm"))
	if err != nil {
		return row, err
	}
	s := &site{access: true}
	for i := range n {
		name := fmt.Sprintf("p%d", i)
		s.plugins = append(s.plugins, sitePlugin{name: name, binary: stamped(binary, i)})
		s.route("GET", "/"+name+"/{id}", name+".get_user")
	}
	name := fmt.Sprintf("density-%d", n)
	l := m.wasmlane(name, s)
	row.Plugins = n
	cold, err := m.start(ctx, name, l, "/p0/7")
	if err != nil {
		return row, err
	}
	row.Cold = float64(cold.up.Microseconds()) / 1000
	cold.stop()
	server, err := m.start(ctx, name, l, "/p0/7")
	if err != nil {
		return row, err
	}
	defer server.stop()
	row.Warm = float64(server.up.Microseconds()) / 1000
	time.Sleep(settle)
	u := memoryOf(server.cmd.Process.Pid)
	row.IdleRSS, row.IdlePSS = u.RSS, u.PSS
	for i := range n {
		if err := get(server.url(fmt.Sprintf("/p%d/7", i))); err != nil {
			return row, err
		}
	}
	time.Sleep(settle)
	u = memoryOf(server.cmd.Process.Pid)
	row.UsedRSS, row.UsedPSS = u.RSS, u.PSS
	load, err := m.drive(ctx, server, 1, m.seconds, fmt.Sprintf("/p%d/", n/2))
	if err != nil {
		return row, err
	}
	row.P50, row.P99, row.CPU, row.Rate = load.P50, load.P99, load.CPU, load.PerSecond()
	// Put in place whole. The host may notice by itself; then there is nothing left
	// to do for the request to reload, and it waits for that.
	changed := filepath.Join(l.dir, "plugins", "p0.wasm")
	if err := os.WriteFile(changed+".tmp", stamped(binary, 1<<20-1), 0o644); err != nil {
		return row, err
	}
	begin := time.Now()
	if err := os.Rename(changed+".tmp", changed); err != nil {
		return row, err
	}
	response, err := http.Post("http://127.0.0.1:"+strconv.Itoa(server.admin)+"/reload", "", nil)
	if err != nil {
		return row, err
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != 200 {
		return row, fmt.Errorf("POST /reload: %s: %s", response.Status, text)
	}
	row.Reload = float64(time.Since(begin).Microseconds()) / 1000
	return row, nil
}

func get(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	if err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return err
}
