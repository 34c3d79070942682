package host

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/wasmlane/wasmlane/host/internal/metrics/metricstest"
)

// Services on other hosts, through the whole host.

// status returns what the admin listener says of a service.
func (r *rig) serviceStatus(name string) serviceStatus {
	r.t.Helper()
	var all []serviceStatus
	if code := r.operate("GET", "/services", nil, &all); code != 200 {
		r.t.Fatalf("GET /services is %d", code)
	}
	i := slices.IndexFunc(all, func(s serviceStatus) bool { return s.Name == name })
	if i < 0 {
		r.t.Fatalf("GET /services lacks %s: %v", name, all)
	}
	return all[i]
}

// targets returns "a=healthy b=ejected", without the scheme.
func (r *rig) targets(service string) string {
	r.t.Helper()
	var all []string
	for _, target := range r.serviceStatus(service).Remote.Targets {
		all = append(all, strings.TrimPrefix(target.Target, "http://")+"="+target.State)
	}
	return strings.Join(all, " ")
}

// sample returns the value of a series, its labels in pairs.
func (r *rig) sample(name string, labels ...string) float64 {
	r.t.Helper()
	families, err := metricstest.Parse(string(r.exposition()))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
	samples:
		for _, s := range f.Samples {
			if s.Name != name {
				continue
			}
			for i := 0; i+1 < len(labels); i += 2 {
				if s.Get(labels[i]) != labels[i+1] {
					continue samples
				}
			}
			return s.Value
		}
	}
	r.t.Fatalf("no sample %s with %q", name, labels)
	return 0
}

// TestTargetFails: calls go on when one of two targets ends, everybody is told, and it
// is back when it is. A reload changes nothing about that.
func TestTargetFails(t *testing.T) {
	one := remote(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "one") })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	two := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "two") }))
	_ = two.Listener.Close()
	two.Listener = l
	two.Start()
	r := start(t, setup{
		keys: guarded + fmt.Sprintf(`
			plugin.front.calls = ["ext", "here"]
			service.here.targets = ["local"]
			service.here.plugins = ["front"]
			service.ext.targets = [%q, "http://%s"]`, one, addr),
		guests: map[string]*guest{"front": relays(map[string]string{"get": "ext GET /", "post": "ext POST /"})},
	})
	got := map[string]int{}
	for range 20 {
		got[r.get("/front/get").body]++
	}
	if got["one"] != 10 || got["two"] != 10 {
		t.Errorf("the answers are %v", got)
	}
	two.Close()
	for i := range 20 {
		if a := r.get("/front/" + []string{"get", "post"}[i%2]); a.status != 200 || a.body != "one" {
			t.Errorf("got %v", a)
		}
	}
	name := "http://" + addr
	r.logged("target ejected", "service", "ext", "target", name, "reason", "connection refused")
	if here := r.serviceStatus("here"); !here.Local || here.Remote != nil || !slices.Equal(here.Plugins, []string{"front"}) {
		t.Errorf("a service of this host is %+v", here)
	}
	r.until("an ejected target", func() bool { return strings.Contains(r.targets("ext"), addr+"=ejected") })
	if v := r.sample("wasmlane_target_ejected", "service", "ext", "target", name); v != 1 {
		t.Errorf("wasmlane_target_ejected is %v", v)
	}
	if v := r.sample("wasmlane_target_retries_total", "service", "ext", "target", one); v < 3 {
		t.Errorf("wasmlane_target_retries_total is %v", v)
	}
	if v := r.sample("wasmlane_target_calls_total", "service", "ext", "target", one, "result", "2xx"); v != 30 {
		t.Errorf("wasmlane_target_calls_total is %v", v)
	}

	// A reload that leaves the targets, and one that leaves one of them.
	ejections := r.sample("wasmlane_target_ejections_total", "service", "ext", "target", name)
	r.rewrite("service.ext.targets", "service.ext.retries = 2\nservice.ext.targets")
	var change changeAnswer
	if code := r.operate("POST", "/reload", nil, &change); code != 200 || !slices.Contains(change.Changed, "service.ext") {
		t.Errorf("the reload says %d %+v", code, change)
	}
	if v := r.sample("wasmlane_target_ejections_total", "service", "ext", "target", name); v < ejections {
		t.Errorf("%v ejections after a reload, before there were %v", v, ejections)
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	back := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "two") })}
	go func() { _ = back.Serve(l) }()
	defer back.Close()
	r.until("the target to be back", func() bool { return r.get("/front/post").body == "two" })
	r.logged("target is back", "service", "ext", "target", name)
	r.rewrite(fmt.Sprintf("%q, ", one), "")
	r.reload()
	for range 5 {
		if a := r.get("/front/get"); a.body != "two" {
			t.Errorf("got %v", a)
		}
	}
	if got := r.targets("ext"); got != addr+"=healthy" {
		t.Errorf("the targets are %s", got)
	}
}

// TestServiceFound: the targets of a service come from SRV records, and the names in
// them from the same server.
func TestServiceFound(t *testing.T) {
	one := remote(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "one "+r.Host) })
	two := remote(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "two "+r.Host) })
	port := func(origin string) uint16 {
		n, err := strconv.ParseUint(origin[strings.LastIndexByte(origin, ':')+1:], 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		return uint16(n)
	}
	var records atomic.Value
	records.Store([]uint16{port(one)})
	dns := nameServer(t, func() []uint16 { return records.Load().([]uint16) })
	r := start(t, setup{
		keys: guarded + fmt.Sprintf(`
			discovery.dns = %q
			plugin.front.calls = ["user"]
			plugin.front.timeout = "10s"
			service.user.srv = "_http._tcp.user.internal"`, dns),
		guests: map[string]*guest{"front": relays(map[string]string{"get": "user GET /"})},
	})
	if a := r.get("/front/get"); a.body != fmt.Sprintf("one host.internal:%d", port(one)) {
		t.Errorf("got %v", a)
	}
	if got := r.targets("user"); got != fmt.Sprintf("host.internal:%d=healthy", port(one)) {
		t.Errorf("the targets are %s", got)
	}
	records.Store([]uint16{port(two)})
	r.until("the other target", func() bool { return strings.HasPrefix(r.get("/front/get").body, "two ") })
	if look := r.serviceStatus("user").Remote.Lookup; look == nil || look.DNS != dns || look.TTLSeconds != 1 || look.Error != "" {
		t.Errorf("the lookup is %+v", look)
	}
}

// nameServer answers over UDP: for SRV records with the ports, at host.internal, which
// is this machine.
func nameServer(t *testing.T, ports func() []uint16) (addr string) {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			var q dnsmessage.Message
			if q.Unpack(buf[:n]) != nil || len(q.Questions) != 1 {
				continue
			}
			m := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true}, Questions: q.Questions}
			head := dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1}
			switch q.Questions[0].Type {
			case dnsmessage.TypeSRV:
				for _, port := range ports() {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.SRVResource{Port: port, Target: dnsmessage.MustNewName("host.internal.")}})
				}
			case dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
			}
			packed, err := m.Pack()
			if err != nil {
				panic(err)
			}
			_, _ = udp.WriteTo(packed, from)
		}
	})
	t.Cleanup(func() { _ = udp.Close(); running.Wait() })
	return udp.LocalAddr().String()
}

// TestNothingIsLookedUpByCheck: the names of a configuration are nobody's business
// until it serves.
func TestNothingIsLookedUpByCheck(t *testing.T) {
	var asked atomic.Int64
	dns := nameServer(t, func() []uint16 { asked.Add(1); return nil })
	s := setup{keys: fmt.Sprintf("discovery.dns = %q\nservice.user.srv = \"_http._tcp.user.internal\"", dns)}
	r := prepare(t, s)
	if err := Check(r.file, Options{Log: io.Discard}); err != nil {
		t.Error(err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d questions", n)
	}
}

// TestDeadlineTravels: the callee stops when the caller does, whatever its own limit
// is; a header never makes the time longer.
func TestDeadlineTravels(t *testing.T) {
	slow := newGuest()
	slow.on("get", slow.sleep(time.Hour))
	callee := start(t, setup{
		keys:   "plugin.slow.timeout = \"24h\"\nserver.drain = \"400ms\"",
		guests: map[string]*guest{"slow": slow},
		routes: "GET /endless slow.get timeout = \"off\"\nGET /short slow.get timeout = \"50ms\"",
	})
	front := relays(map[string]string{"get": "user GET /slow/get", "endless": "user GET /endless", "more": "user GET /endless\nX-Envoy-Expected-Rq-Timeout-Ms: 86400000\n"})
	r := start(t, setup{
		keys: fmt.Sprintf(`
			plugin.front.calls = ["user"]
			plugin.front.timeout = "200ms"
			service.user.targets = ["http://%s"]`, callee.addr),
		guests: map[string]*guest{"front": front},
	})
	for _, path := range []string{"/front/get", "/front/endless", "/front/more"} {
		id := strings.ReplaceAll(path[1:], "/", "-")
		undisturbed(t, func() error {
			if a := r.ask("GET", path, "", "X-Request-Id: "+id); a.status != 504 && a.status != 500 {
				t.Errorf("%s got %v", path, a)
			}
			callee.until("end of "+path+" at the callee", func() bool { return callee.inFlight.Load() == 0 })
			for _, entry := range callee.logs.all("request") {
				if entry.text("request_id") == id {
					return nil
				}
			}
			return fmt.Errorf("the callee has not seen %s; its log:\n%s", path, callee.logs.tail())
		})
	}

	// A client may shorten its own request, and no more.
	const header = "X-Envoy-Expected-Rq-Timeout-Ms: "
	if a := callee.ask("GET", "/endless", "", header+"50"); a.status != 504 {
		t.Errorf("got %v", a)
	}
	for _, value := range []string{"86400000", "0", "-1", "soon", "99999999999999999999"} {
		if a := callee.ask("GET", "/short", "", header+value); a.status != 504 {
			t.Errorf("%s: got %v", value, a)
		}
	}
}
