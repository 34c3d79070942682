// Package metricstest reads the Prometheus text exposition format strictly, for
// tests: what a lenient scraper would let pass is an error here.
package metricstest

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Family is one metric with all its samples.
type Family struct {
	Name    string
	Kind    string // "counter", "gauge", "histogram"
	Help    string
	Samples []Sample // in order
}

// Sample is one line.
type Sample struct {
	Name   string // that of the family, or with _bucket, _sum or _count
	Labels []Label
	Value  float64
}

// Label is a name and its value, unescaped.
type Label struct{ Name, Value string }

// Get returns the value of a label, "" when there is none.
func (s Sample) Get(name string) string {
	for _, l := range s.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// Parse reads a whole exposition. Families must have a help text, a type and their
// samples in one piece; names must follow the conventions; no series may come
// twice; histograms must be whole.
func Parse(text string) ([]Family, error) {
	if text != "" && !strings.HasSuffix(text, "\n") {
		return nil, errors.New("the last line does not end")
	}
	var families []Family
	names, series := map[string]bool{}, map[string]bool{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		var err error
		switch {
		case strings.HasPrefix(line, "# HELP "):
			name, help, _ := strings.Cut(line[len("# HELP "):], " ")
			switch {
			case !metricName.MatchString(name):
				err = fmt.Errorf("%q is no name", name)
			case strings.TrimSpace(help) == "":
				err = fmt.Errorf("%s has no help", name)
			case names[name]:
				err = fmt.Errorf("%s comes twice", name)
			}
			names[name] = true
			families = append(families, Family{Name: name, Help: help})
		case strings.HasPrefix(line, "# TYPE "):
			err = setKind(families, line[len("# TYPE "):])
		case len(families) == 0 || families[len(families)-1].Kind == "":
			err = errors.New("a sample before HELP and TYPE")
		default:
			f := &families[len(families)-1]
			var s Sample
			if s, err = parseSample(line); err == nil {
				id := fmt.Sprintf("%s%q", s.Name, s.Labels)
				if series[id] {
					err = fmt.Errorf("%s comes twice", id)
				}
				series[id] = true
				f.Samples = append(f.Samples, s)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	for i := range families {
		if err := families[i].check(); err != nil {
			return nil, fmt.Errorf("%s: %w", families[i].Name, err)
		}
	}
	return families, nil
}

func setKind(families []Family, line string) error {
	if len(families) == 0 {
		return errors.New("TYPE without HELP")
	}
	f := &families[len(families)-1]
	name, kind, _ := strings.Cut(line, " ")
	if name != f.Name || f.Kind != "" || len(f.Samples) > 0 {
		return fmt.Errorf("TYPE of %s after HELP of %s", name, f.Name)
	}
	switch kind {
	case "counter", "gauge", "histogram":
	default:
		return fmt.Errorf("%q is no type", kind)
	}
	f.Kind = kind
	return nil
}

func parseSample(line string) (s Sample, err error) {
	at := strings.IndexAny(line, "{ ")
	if at < 0 {
		return s, fmt.Errorf("no value in %q", line)
	}
	s.Name = line[:at]
	if !metricName.MatchString(s.Name) {
		return s, fmt.Errorf("%q is no name", s.Name)
	}
	rest := line[at:]
	if rest[0] == '{' {
		if s.Labels, rest, err = parseLabels(rest[1:]); err != nil {
			return s, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	value, ok := strings.CutPrefix(rest, " ")
	if !ok || strings.ContainsAny(value, " \t\r") {
		return s, fmt.Errorf("%s: %q is no value", s.Name, rest)
	}
	if s.Value, err = strconv.ParseFloat(value, 64); err != nil {
		return s, fmt.Errorf("%s: %w", s.Name, err)
	}
	return s, nil
}

// parseLabels reads labels after the opening brace, and returns what follows the
// closing one.
func parseLabels(text string) (labels []Label, rest string, err error) {
	for {
		name, after, ok := strings.Cut(text, `="`)
		if !ok || !labelName.MatchString(name) {
			return nil, "", fmt.Errorf("no label at %q", text)
		}
		var value strings.Builder
		i := 0
		for ; i < len(after) && after[i] != '"'; i++ {
			if after[i] != '\\' {
				value.WriteByte(after[i])
				continue
			}
			if i++; i == len(after) {
				break
			}
			switch after[i] {
			case 'n':
				value.WriteByte('\n')
			case '\\', '"':
				value.WriteByte(after[i])
			default:
				return nil, "", fmt.Errorf("label %s: unknown escape \\%c", name, after[i])
			}
		}
		if i+1 >= len(after) {
			return nil, "", fmt.Errorf("label %s does not end", name)
		}
		for _, l := range labels {
			if l.Name == name {
				return nil, "", fmt.Errorf("label %s comes twice", name)
			}
		}
		labels = append(labels, Label{name, value.String()})
		switch text = after[i+1:]; text[0] {
		case '}':
			return labels, text[1:], nil
		case ',':
			text = text[1:]
		default:
			return nil, "", fmt.Errorf("%q after label %s", text, name)
		}
	}
}

// check looks at a family as a whole.
func (f *Family) check() error {
	if (f.Kind == "counter") != strings.HasSuffix(f.Name, "_total") {
		return fmt.Errorf("a %s of that name; counters, and nothing else, end in _total", f.Kind)
	}
	if f.Kind == "histogram" {
		return f.checkHistograms()
	}
	for _, s := range f.Samples {
		switch {
		case s.Name != f.Name:
			return fmt.Errorf("sample %s", s.Name)
		case f.Kind == "counter" && (s.Value < 0 || math.IsNaN(s.Value)):
			return fmt.Errorf("a counter of %v", s.Value)
		}
	}
	return nil
}

// checkHistograms checks that the samples are buckets in order, a sum and a count,
// once for each set of labels.
func (f *Family) checkHistograms() error {
	var last float64
	le, labels := math.Inf(-1), ""
	done := true
	for i, s := range f.Samples {
		var others []Label
		for _, l := range s.Labels {
			if l.Name != "le" {
				others = append(others, l)
			}
		}
		id := fmt.Sprintf("%q", others)
		switch s.Name {
		case f.Name + "_bucket":
			bound, err := strconv.ParseFloat(s.Get("le"), 64)
			if err != nil {
				return fmt.Errorf("bucket without le: %w", err)
			}
			if done {
				le, last, labels, done = math.Inf(-1), 0, id, false
			}
			if id != labels || bound <= le || s.Value < last {
				return fmt.Errorf("bucket %v of %s: it is not in order", bound, id)
			}
			le, last = bound, s.Value
		case f.Name + "_sum":
			if done || id != labels || !math.IsInf(le, 1) {
				return fmt.Errorf("sum of %s after buckets up to %v of %s", id, le, labels)
			}
		case f.Name + "_count":
			if done || id != labels || f.Samples[i-1].Name != f.Name+"_sum" || s.Value != last {
				return fmt.Errorf("count %v of %s, the last bucket is %v of %s", s.Value, id, last, labels)
			}
			done = true
		default:
			return fmt.Errorf("sample %s", s.Name)
		}
	}
	if !done {
		return errors.New("the last histogram has no count")
	}
	return nil
}
