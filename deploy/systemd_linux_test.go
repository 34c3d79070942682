package deploy_test

import (
	"bufio"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const unitFile = "systemd/wasmlane.service"

// settings returns the values of a key in the unit, one for each line.
func settings(t *testing.T, key string) (values []string) {
	t.Helper()
	for line := range strings.Lines(read(t, unitFile)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && name == key {
			values = append(values, value)
		}
	}
	return values
}

// systemdAnalyze runs a command of systemd that only reads.
func systemdAnalyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	need(t, "systemd-analyze", "apt-get install systemd")
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	return string(out), err
}

// verify checks a unit in which the program stands where it is here.
func verify(t *testing.T, unit string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wasmlane.service")
	write(t, file, strings.ReplaceAll(unit, "/usr/local/bin/wasmlane", program(t)))
	return systemdAnalyze(t, "verify", "--man=no", file)
}

func TestUnit(t *testing.T) {
	t.Parallel()
	unit := read(t, unitFile)
	if out, err := verify(t, unit); err != nil || out != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// A mistake in it must be told.
	if out, _ := verify(t, strings.Replace(unit, "ProtectSystem=strict", "ProtectSystems=strict", 1)); !strings.Contains(out, "ProtectSystems") {
		t.Errorf("systemd-analyze verify says nothing of a key that there is not:\n%s", out)
	}

	file := filepath.Join(t.TempDir(), "wasmlane.service")
	write(t, file, unit)
	out, err := systemdAnalyze(t, "security", "--offline=true", "--threshold=20", "--no-pager", file)
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	if i := strings.Index(out, "Overall exposure"); i >= 0 {
		t.Log(strings.TrimSpace(out[i:]))
	}
	if len(settings(t, "MemoryDenyWriteExecute")) > 0 {
		t.Error("MemoryDenyWriteExecute is set: the host compiles to machine code and could not run it")
	}
}

// TestSystemCalls has the host do its work and looks at each system call it makes:
// the unit's filter must let it through.
func TestSystemCalls(t *testing.T) {
	t.Parallel()
	need(t, "strace", "apt-get install strace")
	allowed := allowedCalls(t)
	dir := t.TempDir()
	copyFile(t, pluginOf(t, "../examples/hello"), filepath.Join(dir, "plugins", "hello.wasm"))
	write(t, filepath.Join(dir, "host.toml"), `
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[defaults]
timeout = "60s"
[plugin.hello]
store = "hello"
[[route]]
path = "/hello/{name}"
handler = "hello.hello"
`)
	trace := filepath.Join(dir, "trace")
	log := new(output)
	// -D: the host is the child of this process, so that it gets the signals.
	cmd := exec.Command("strace", "-D", "-f", "-q", "-o", trace, program(t), "run")
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	wait := func(what string, pattern *regexp.Regexp) []string {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if found := pattern.FindStringSubmatch(log.String()); found != nil {
				return found
			}
			if strings.Contains(log.String(), "ptrace") && strings.Contains(log.String(), "not permitted") {
				t.Skip("processes may not be traced here")
			}
		}
		t.Fatalf("waited in vain for: %s\n%s", what, log)
		return nil
	}
	addr := wait("the address", regexp.MustCompile(`msg=listening addr=(\S+)`))[1]
	wait("the admin listener", regexp.MustCompile(`msg="admin listening"`))
	for range 50 { // enough for instances to be reset, and for the garbage collector
		ask(t, addr, "/hello/ada", "200")
	}
	_ = cmd.Process.Signal(syscall.SIGHUP)
	wait("the reload", regexp.MustCompile("msg=reloaded"))
	ask(t, addr, "/hello/ada", "200")
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-exited:
		if err != nil {
			t.Errorf("the host ended with %v\n%s", err, log)
		}
	case <-time.After(patience):
		t.Fatal("the host does not end")
	}

	families := strings.Fields(strings.Join(settings(t, "RestrictAddressFamilies"), " "))
	called := map[string]bool{}
	executes := false
	call, family := regexp.MustCompile(`^\d+ +([a-z_0-9]+)\(`), regexp.MustCompile(`socket\((AF_\w+)`)
	for line := range calls(t, trace) {
		if m := call.FindStringSubmatch(line); m != nil && !called[m[1]] {
			called[m[1]] = true
			if !allowed[m[1]] {
				t.Errorf("the host calls %s, which the unit does not allow: %s", m[1], line)
			}
		}
		if m := family.FindStringSubmatch(line); m != nil && !slices.Contains(families, m[1]) {
			t.Errorf("the host opens a socket of %s, which the unit does not allow", m[1])
		}
		executes = executes || strings.Contains(line, "PROT_EXEC")
	}
	if !called["openat"] || !called["accept4"] || !executes {
		t.Errorf("the trace is not that of a host: %v", called)
	}
}

// calls are the lines of a trace. The tracer may write its last ones after the host
// has ended.
func calls(t *testing.T, trace string) func(yield func(string) bool) {
	t.Helper()
	ended := regexp.MustCompile(`(?m)^\d+ +\+\+\+ exited with 0 \+\+\+\n\z`)
	var text string
	for end := time.Now().Add(patience); !ended.MatchString(text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the trace does not end")
		}
		text = read(t, trace)
	}
	return strings.Lines(text)
}

// allowedCalls expands the unit's SystemCallFilter as systemd does.
func allowedCalls(t *testing.T) map[string]bool {
	t.Helper()
	allowed := map[string]bool{}
	for _, value := range settings(t, "SystemCallFilter") {
		list, deny := strings.CutPrefix(value, "~")
		for _, name := range strings.Fields(list) {
			for _, c := range expand(t, name) {
				allowed[c] = !deny
			}
		}
	}
	if !allowed["read"] || allowed["reboot"] {
		t.Fatalf("the filter was read as %v", allowed)
	}
	return allowed
}

func expand(t *testing.T, name string) (all []string) {
	t.Helper()
	if !strings.HasPrefix(name, "@") {
		return []string{name}
	}
	out, err := systemdAnalyze(t, "syscall-filter", "--no-pager", name)
	if err != nil {
		t.Fatalf("systemd-analyze syscall-filter %s: %v\n%s", name, err, out)
	}
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") || line == "" || line == name {
			continue
		}
		all = append(all, expand(t, line)...)
	}
	return all
}

// ask sends one request over a connection of its own.
func ask(t *testing.T, addr, path, status string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err = c.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"))
	line, readErr := bufio.NewReader(c).ReadString('\n')
	if err := errors.Join(err, readErr); err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+status) {
		t.Fatalf("GET %s: %q, %v; want %s", path, line, err, status)
	}
}

// The times in the unit are in line with those of its host.toml.
func TestUnitTimes(t *testing.T) {
	config := read(t, "systemd/host.toml")
	drain := regexp.MustCompile(`(?m)^drain\s*=\s*"(\w+)"`).FindStringSubmatch(config)
	stop := settings(t, "TimeoutStopSec")
	if drain == nil || len(stop) != 1 {
		t.Fatalf("drain %q, TimeoutStopSec %q", drain, stop)
	}
	a, errA := time.ParseDuration(drain[1])
	b, errB := time.ParseDuration(stop[0])
	if err := errors.Join(errA, errB); err != nil || b < a+5*time.Second || strings.Contains(config, "drain_delay =") {
		t.Errorf("drain %s, TimeoutStopSec %s, %v", a, b, err)
	}
	for _, place := range []string{`"/var/lib/wasmlane/`, `"/var/cache/wasmlane"`} {
		if !strings.Contains(config, place) {
			t.Errorf("systemd/host.toml has nothing in %s, which the unit makes writable", place)
		}
	}
}
