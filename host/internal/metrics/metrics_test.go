package metrics

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/host/internal/metrics/metricstest"
)

// read parses what was written, which must be valid, and returns it by series.
func read(t *testing.T, text *Text) map[string]float64 {
	t.Helper()
	if _, err := metricstest.Parse(string(text.Bytes())); err != nil {
		t.Fatalf("%v in:\n%s", err, text.Bytes())
	}
	all := map[string]float64{}
	families, _ := metricstest.Parse(string(text.Bytes()))
	for _, f := range families {
		for _, s := range f.Samples {
			name := s.Name
			for _, l := range s.Labels {
				name += " " + l.Name + "=" + l.Value
			}
			all[name] = s.Value
		}
	}
	return all
}

func TestText(t *testing.T) {
	text := new(Text)
	text.Family("a", KindGauge, "One line\nwith \\.")
	text.Float("a", Labels("x", "back\\slash", "y", "\"quoted\"", "z", "two\nlines", "bad", "\xff"), 1.5)
	text.Float("a", "", math.Inf(1))
	text.Family("b_total", KindCounter, "B.")
	text.Uint("b_total", "", math.MaxUint64)
	want := `# HELP a One line\nwith \\.
# TYPE a gauge
a{x="back\\slash",y="\"quoted\"",z="two\nlines",bad="` + "\uFFFD" + `"} 1.5
a +Inf
# HELP b_total B.
# TYPE b_total counter
b_total 18446744073709551615
`
	if got := string(text.Bytes()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if all := read(t, text); all["a x=back\\slash y=\"quoted\" z=two\nlines bad=\uFFFD"] != 1.5 {
		t.Errorf("got %v", all)
	}
}

// A duration that equals a bound is within it, and none is lost.
func TestHistogram(t *testing.T) {
	h := new(Histogram)
	for _, d := range []time.Duration{
		-time.Second, 0, 100 * time.Microsecond, 100*time.Microsecond + 1, time.Millisecond, 10 * time.Second, 10*time.Second + 1, time.Hour,
	} {
		h.Observe(d)
	}
	text := new(Text)
	text.Family("h", KindHistogram, "H.")
	text.Histogram("h", Labels("a", "b"), h)
	all := read(t, text)
	for name, want := range map[string]float64{
		"h_bucket a=b le=0.0001": 3, "h_bucket a=b le=0.00025": 4, "h_bucket a=b le=0.001": 5, "h_bucket a=b le=5": 5,
		"h_bucket a=b le=10": 6, "h_bucket a=b le=+Inf": 8, "h_count a=b": 8,
	} {
		if all[name] != want {
			t.Errorf("%s is %v, want %v", name, all[name], want)
		}
	}
	if sum := all["h_sum a=b"]; math.Abs(sum-3620.0012) > 0.001 {
		t.Errorf("the sum is %v", sum)
	}
	for i, b := range bounds {
		if Labels("le", formatSeconds(b)) != les[i] {
			t.Errorf("bound %d is %v and %s", i, b, les[i])
		}
	}
}

func formatSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) }

func TestRoute(t *testing.T) {
	r := NewRoute(RouteName{"user", "get_user", "/users/{id:\"\\d+\"}"})
	r.Expect("PUT")
	for _, status := range []int{200, 204, 301, 404, 503} {
		r.Count([]byte("GET"), status, time.Millisecond)
	}
	for _, method := range []string{"HEAD", "POST", "PATCH", "DELETE", "OPTIONS"} {
		r.Count([]byte(method), 200, 0)
	}
	for _, method := range []string{"TRACE", "get", "", "X-MADE-UP", "\xff"} {
		r.Count([]byte(method), 200, 0)
	}
	for _, status := range []int{0, 99, 600, -1} {
		r.Refused(status)
	}
	text := new(Text)
	text.Family("n_total", KindCounter, "N.")
	r.WriteCounts(text, "n_total")
	text.Family("d", KindHistogram, "D.")
	r.WriteDurations(text, "d")
	all := read(t, text)
	const labels = ` plugin=user handler=get_user route=/users/{id:"\d+"} method=`
	for name, want := range map[string]float64{
		"n_total" + labels + "GET code=2xx": 2, "n_total" + labels + "GET code=3xx": 1, "n_total" + labels + "GET code=5xx": 1,
		"n_total" + labels + "PUT code=2xx": 0, "n_total" + labels + "PUT code=5xx": 0,
		"n_total" + labels + "other code=2xx": 5, "n_total" + labels + "other code=other": 4,
		"d_count" + labels + "GET": 5, "d_count" + labels + "other": 5, "d_bucket" + labels + "GET le=0.0005": 0, "d_bucket" + labels + "GET le=0.001": 5,
	} {
		if got, ok := all[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v in:\n%s", name, got, want, text.Bytes())
		}
	}
	if n := strings.Count(string(text.Bytes()), "n_total{"); n != 8*4+1 {
		t.Errorf("%d series of counts, want 4 for each method and one for what has no class", n)
	}
}

func TestOperation(t *testing.T) {
	o := NewOperation(Labels("keyspace", "k"), "ok", "absent")
	text := new(Text)
	text.Family("o_total", KindCounter, "O.")
	o.WriteCounts(text, "o_total")
	o.WriteDurations(text, "d")
	if all := read(t, text); len(all) != 0 {
		t.Errorf("written before it was used: %v", all)
	}
	o.Count(1, time.Second)
	NewOperation("", "ok").Count(0, 0)
	o.WriteCounts(text, "o_total")
	text.Family("d", KindHistogram, "D.")
	o.WriteDurations(text, "d")
	all := read(t, text)
	if all["o_total keyspace=k result=absent"] != 1 || len(all) != 2+len(bounds)+3 || all["d_sum keyspace=k"] != 1 {
		t.Errorf("got %v", all)
	}
}
