package metricstest

import (
	"strings"
	"testing"
)

// A parser that lets everything pass checks nothing.
func TestParseRefuses(t *testing.T) {
	const head = "# HELP a_total A.\n# TYPE a_total counter\n"
	const histogram = "# HELP h H.\n# TYPE h histogram\n"
	good := head + "a_total{x=\"\\\\ \\\" \\n é\",y=\"\"} 1\na_total 2.5e3\n" +
		histogram + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"
	families, err := Parse(good)
	if err != nil || len(families) != 2 || families[0].Samples[0].Get("x") != "\\ \" \n é" || families[0].Samples[1].Value != 2500 {
		t.Fatalf("%+v, %v", families, err)
	}
	for text, want := range map[string]string{
		"a 1\n":                                                       "before HELP",
		"# HELP a_total A.\na_total 1\n":                              "before HELP",
		"# HELP a_total \n":                                           "no help",
		"# HELP a-b A.\n":                                             "no name",
		"# TYPE a counter\n":                                          "without HELP",
		"# HELP a A.\n# TYPE b gauge\n":                               "TYPE of b",
		"# HELP a A.\n# TYPE a text\n":                                "no type",
		"# HELP a A.\n# TYPE a counter\na 1\n":                        "end in _total",
		"# HELP a_total A.\n# TYPE a_total gauge":                     "does not end",
		head + head:                                                   "comes twice",
		head + "a_total 1\na_total 1\n":                               "comes twice",
		head + "a_total -1\n":                                         "a counter of -1",
		head + "b_total 1\n":                                          "sample b_total",
		head + "a_total\n":                                            "no value",
		head + "a_total one\n":                                        "invalid syntax",
		head + "a_total 1 2\n":                                        "no value",
		head + "a_total{x=\"1\",x=\"2\"} 1\n":                         "comes twice",
		head + "a_total{x=\"1} 1\n":                                   "does not end",
		head + "a_total{x=\"\\t\"} 1\n":                               "unknown escape",
		head + "a_total{x=1} 1\n":                                     "no label",
		head + "a_total{x=\"1\" y=\"2\"} 1\n":                         "after label",
		histogram + "h_bucket{le=\"1\"} 1\n":                          "no count",
		histogram + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n":      "up to 1",
		histogram + "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\n":    "not in order",
		histogram + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n": "not in order",
		histogram + "h_bucket{le=\"1\"} 1\nh_bucket{a=\"b\",le=\"+Inf\"} 1\n": "not in order",
		histogram + "h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 1\n":           "count 1",
		histogram + "h 1\n": "sample h",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
