// Command bench measures Wasmlane beside what a user would otherwise pick, and
// writes docs/BENCHMARKS.md. `make bench` runs it; README.md says how it measures.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// everything is all tables.
const everything = "peers,start,density,growth"

type options struct {
	rounds  int
	seconds float64
	names   map[string]bool // of the peers to run; empty: all
	tables  map[string]bool
	setup   bool
	quick   bool
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		rounds  = flags.Int("rounds", 8, "rounds; each measures every peer once at each number of connections")
		seconds = flags.Float64("seconds", 3, "how long one measurement lasts")
		names   = flags.String("peers", "", "only these peers, by name, separated by commas")
		tables  = flags.String("tables", everything, "only these tables")
		setup   = flags.Bool("setup", false, "install what npm, pip, cargo and Maven must fetch, and build; measure nothing")
		quick   = flags.Bool("quick", false, "two short rounds, to see that everything works; the figures mean little")
		root    = flags.String("root", "..", "the `directory` of the repository")
		doc     = flags.String("o", "", "write the Markdown to this `file` of the repository, too, when all was measured")
		data    = flags.String("json", "bench/out/bench.json", "write the figures to this `file` of the repository")
	)
	if err := flags.Parse(args); err != nil {
		return 2
	}
	for table := range set(*tables) {
		if !set(everything)[table] {
			fmt.Fprintf(stderr, "bench: -tables: there is no %q; there are %s\n", table, everything)
			return 2
		}
	}
	o := options{rounds: *rounds, seconds: *seconds, names: set(*names), tables: set(*tables), setup: *setup, quick: *quick}
	if o.quick {
		o.rounds, o.seconds = min(o.rounds, 2), min(o.seconds, 1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, o, *root, *doc, *data, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func set(list string) map[string]bool {
	m := make(map[string]bool)
	for name := range strings.SplitSeq(list, ",") {
		if name != "" {
			m[name] = true
		}
	}
	return m
}

// report is all that a run found.
type report struct {
	Machine machine
	Rounds  int
	Seconds float64
	Quick   bool `json:",omitempty"`
	Peers   []*result
	// Failures are the tables that are not whole.
	Failures []string     `json:",omitempty"`
	Start    []startRow   `json:",omitempty"`
	Density  []densityRow `json:",omitempty"`
	Growth   []growthRow  `json:",omitempty"`
}

func bench(ctx context.Context, o options, root, doc, data string, stdout, stderr io.Writer) error {
	if err := raiseLimits(); err != nil {
		return err
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "wasmlane-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	w := &workshop{root: root, out: filepath.Join(root, "bench", "out"), work: work, log: stderr}
	all := allPeers(w)
	for name := range o.names {
		if find(all, name) == nil {
			return fmt.Errorf("-peers: there is no %q; there are %s", name, strings.Join(peerNames(all), ", "))
		}
	}
	if err := w.base(ctx); err != nil {
		return err
	}
	r := &report{Machine: describeMachine(), Rounds: o.rounds, Seconds: o.seconds, Quick: o.quick}
	r.Machine.HostBinary = w.installed([]string{"out/wasmlane"})
	var chosen []*peer
	for _, p := range all {
		if len(o.names) == 0 || o.names[p.name] {
			chosen = append(chosen, p)
			r.Peers = append(r.Peers, &result{Name: p.name, What: p.what, Settings: p.settings})
		}
	}
	if o.tables["peers"] || o.setup {
		for i, p := range chosen {
			if err := w.prepare(ctx, p); err != nil {
				r.Peers[i].NotRun = err.Error()
				w.say("%s: not run: %v", p.name, err)
			}
		}
	}
	if o.setup {
		return ctx.Err()
	}
	m := &meter{workshop: w, options: o}
	var failures []error
	for _, table := range []struct {
		name    string
		measure func() error
	}{
		{"peers", func() error { return m.peers(ctx, chosen, r.Peers) }},
		{"start", func() (err error) { r.Start, err = m.starts(ctx); return err }},
		{"density", func() (err error) { r.Density, err = m.density(ctx); return err }},
		{"growth", func() (err error) { r.Growth, err = m.growth(ctx); return err }},
	} {
		if !o.tables[table.name] {
			continue
		}
		w.say("table: %s", table.name)
		err := table.measure()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // what has been measured is worth keeping
			failures = append(failures, fmt.Errorf("%s: %w", table.name, err))
			r.Failures = append(r.Failures, fmt.Sprintf("%s: %v", table.name, err))
			w.say("%s: %v", table.name, err)
		}
	}
	r.Machine.Finished = time.Now().UTC().Format("2006-01-02 15:04 UTC")
	if !o.tables["peers"] {
		r.Peers = nil
	}
	text := r.markdown()
	if _, err := io.WriteString(stdout, text); err != nil {
		return err
	}
	figures, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(at(root, data), append(figures, '\n'), 0o644); err != nil {
		return err
	}
	switch {
	case doc == "":
	case o.quick || len(o.names) > 0 || len(o.tables) < len(set(everything)):
		w.say("%s is left as it is: not all was measured", doc)
	default:
		failures = append(failures, os.WriteFile(at(root, doc), []byte(text), 0o644))
	}
	return errors.Join(failures...)
}

// at returns the path of a file that is named relative to the repository.
func at(root, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(root, name)
}
