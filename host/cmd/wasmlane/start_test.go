//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestStartErrors runs "check" and "run" on the cases in testdata/start. NAME.toml
// is the host.toml of a site with the plugins greet, which is fine, and counter,
// which wants the store and calls; NAME.err is what "check" prints, and "run" as
// well; {greet} in it is the hash of that plugin. A line of NAME.toml
//
//	# run answers 503: /path
//
// says that "run" serves all the same, but not that path.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/start/*.toml")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range cases {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := emptySite(t)
			s.write("plugins/greet.wasm", says("hello"))
			config := read(t, file)
			if strings.Contains(config, "counter") {
				s.write("plugins/counter.wasm", counts(""))
			}
			s.write("host.toml", config)
			want := strings.ReplaceAll(read(t, strings.TrimSuffix(file, ".toml")+".err"), "{greet}", hashOf(says("hello")))

			check := s.launch("check")
			if code := check.end(); code != exitFailed {
				t.Errorf("check exits with %d, want %d", code, exitFailed)
			}
			if got := check.stderr.String(); got != want {
				t.Errorf("check says\n%s\nwant\n%s", got, want)
			}
			if text := check.stdout.String(); text != "" {
				t.Errorf("check writes to standard output:\n%s", text)
			}
			serves := regexp.MustCompile(`(?m)^# run answers 503: (\S+)$`).FindStringSubmatch(config)
			if serves == nil {
				s.refuses(want)
			} else {
				s.servesTheRest(serves[1], want)
			}
		})
	}
}

// refuses runs the site and wants it not to listen but to end with these errors.
func (s *site) refuses(want string) {
	s.t.Helper()
	p := s.launch("run")
	if code := p.end(); code != exitFailed {
		s.t.Errorf("run exits with %d, want %d", code, exitFailed)
	}
	var errs strings.Builder // without the log
	for line := range strings.Lines(p.stderr.String()) {
		if strings.HasPrefix(line, "wasmlane: ") {
			errs.WriteString(line)
		}
	}
	if got := errs.String(); got != want {
		s.t.Errorf("run says\n%s\nwant\n%s", got, want)
	}
	if text := p.stdout.String(); text != "" || strings.Contains(p.stderr.String(), "listening") {
		s.t.Errorf("the host has listened: %s", text)
	}
}

// servesTheRest runs the site and wants 503 from one path, with the same errors in
// the log.
func (s *site) servesTheRest(broken, errs string) {
	s.t.Helper()
	s.edit("[admin]\nlisten = \"\"", "[admin]\nlisten = \"127.0.0.1:0\"")
	p := s.start()
	p.get(broken).refused(503, "not loaded")
	p.get("/health").want(200)
	log := strings.ReplaceAll(p.stderr.String(), `\"`, `"`)
	for line := range strings.Lines(errs) {
		if text := strings.TrimSpace(strings.TrimPrefix(line, "wasmlane: ")); !strings.Contains(log, text) {
			s.t.Errorf("the log does not say %s", text)
		}
	}
	if !strings.Contains(p.stdout.String(), broken+" -> ") || !strings.Contains(p.stdout.String(), "(503: not loaded)") {
		s.t.Errorf("the routes at the start do not show it:\n%s", p.stdout)
	}
	p.stop()
}

// Every case must have its errors, and the other way round.
func TestStartCasesAreWhole(t *testing.T) {
	t.Parallel()
	names := func(suffix string) (names []string) {
		files, _ := filepath.Glob("testdata/start/*" + suffix)
		for _, f := range files {
			names = append(names, strings.TrimSuffix(f, suffix))
		}
		return names
	}
	if a, b := names(".toml"), names(".err"); !slices.Equal(a, b) {
		t.Errorf("the cases are %v and %v", a, b)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for key, section := range map[string]string{"server.listen": "[server]", "admin.listen": "[admin]"} {
		s := emptySite(t)
		s.write("host.toml", replaced(t, smallConfig(t, ""), section+"\nlisten = \"127.0.0.1:0\"", section+"\nlisten = \"127.0.0.1:"+port+"\""))
		p := s.launch("run")
		if code := p.end(); code != exitFailed {
			t.Errorf("%s: exit code %d, want %d", key, code, exitFailed)
		}
		want := regexp.MustCompile(`(?m)^wasmlane: host\.toml:\d+: ` + regexp.QuoteMeta(key) + `: 127\.0\.0\.1:` + port + `: another process has the port`)
		if text := p.stderr.String(); !want.MatchString(text) || p.stdout.String() != "" {
			t.Errorf("%s: the host says\n%s%s", key, p.stdout, text)
		}
	}
}

func TestCheckBesideARunningHost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := s.start()
	if _, err := os.Stat(s.path("data/wasmlane.db")); err != nil {
		t.Fatal(err)
	}
	check := s.launch("check")
	if code := check.end(); code != exitOK || check.stdout.String() != "host.toml: ok\n" {
		t.Errorf("check exits with %d and says %s%s", code, check.stdout, check.stderr)
	}
	p.get("/health").want(200)

	// Two hosts cannot have one store.
	second := s.launch("run")
	if code := second.end(); code != exitFailed {
		t.Errorf("a second host exits with %d, want %d", code, exitFailed)
	}
	if text := second.stderr.String(); !regexp.MustCompile(`(?m)^wasmlane: host\.toml:\d+: store\.path: .*data/wasmlane\.db`).MatchString(text) {
		t.Errorf("a second host says\n%s", text)
	}
	p.stop()
}

func TestNoConfiguration(t *testing.T) {
	t.Parallel()
	s := emptySite(t)
	for _, args := range [][]string{{}, {"run"}, {"check"}, {"run", "-c", "other.toml"}} {
		p := s.launch(args...)
		if code := p.end(); code != exitFailed || !strings.HasSuffix(p.stderr.String(), ".toml: no such file; create it, or name another with -c FILE\n") {
			t.Errorf("wasmlane %s: exit code %d and %s", args, code, p.stderr)
		}
	}
}
