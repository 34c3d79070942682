package metrics

import (
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	m := New(Gauge{"wasmlane_connections", "Open connections of clients.", func() float64 { return 3 }})
	for _, status := range []int{200, 204, 404, 503, 99, 700, -1} {
		m.Request(status)
	}
	m.Reload(true)
	m.Reload(false)
	m.Reload(false)
	var text strings.Builder
	m.Write(&text)
	want := `# HELP wasmlane_requests_total Requests answered, by class of status.
# TYPE wasmlane_requests_total counter
wasmlane_requests_total{code="other"} 3
wasmlane_requests_total{code="1xx"} 0
wasmlane_requests_total{code="2xx"} 2
wasmlane_requests_total{code="3xx"} 0
wasmlane_requests_total{code="4xx"} 1
wasmlane_requests_total{code="5xx"} 1
# HELP wasmlane_reloads_total Reloads of host.toml and the plugins, by result.
# TYPE wasmlane_reloads_total counter
wasmlane_reloads_total{result="failure"} 2
wasmlane_reloads_total{result="success"} 1
# HELP wasmlane_connections Open connections of clients.
# TYPE wasmlane_connections gauge
wasmlane_connections 3
`
	if text.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", text.String(), want)
	}
}
