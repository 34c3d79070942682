package metrics

import (
	"math"
	"strconv"
	"strings"
)

// The kinds of a family.
const (
	KindCounter   = "counter"
	KindGauge     = "gauge"
	KindHistogram = "histogram"
)

// Text is an exposition being written. All samples of a family follow its header.
type Text struct{ buf []byte }

// Bytes returns what has been written.
func (t *Text) Bytes() []byte { return t.buf }

// Family begins a family. help is one sentence.
func (t *Text) Family(name, kind, help string) {
	t.buf = append(t.buf, "# HELP "...)
	t.buf = append(t.buf, name...)
	t.buf = append(t.buf, ' ')
	t.buf = append(t.buf, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help)...)
	t.buf = append(t.buf, "\n# TYPE "...)
	t.buf = append(t.buf, name...)
	t.buf = append(t.buf, ' ')
	t.buf = append(t.buf, kind...)
	t.buf = append(t.buf, '\n')
}

// Uint writes one sample of a whole number. labels is a result of Labels, or "".
func (t *Text) Uint(name, labels string, value uint64) {
	t.name(name, labels, "")
	t.uint(value)
}

func (t *Text) uint(value uint64) {
	t.buf = strconv.AppendUint(t.buf, value, 10)
	t.buf = append(t.buf, '\n')
}

// Float writes one sample.
func (t *Text) Float(name, labels string, value float64) {
	t.name(name, labels, "")
	switch {
	case math.IsInf(value, 1):
		t.buf = append(t.buf, "+Inf"...)
	case math.IsInf(value, -1):
		t.buf = append(t.buf, "-Inf"...)
	default:
		t.buf = strconv.AppendFloat(t.buf, value, 'g', -1, 64)
	}
	t.buf = append(t.buf, '\n')
}

// name writes a sample up to its value. more is a further label, or "".
func (t *Text) name(name, labels, more string) {
	t.buf = append(t.buf, name...)
	if labels != "" || more != "" {
		t.buf = append(t.buf, '{')
		t.buf = append(t.buf, labels...)
		if labels != "" && more != "" {
			t.buf = append(t.buf, ',')
		}
		t.buf = append(t.buf, more...)
		t.buf = append(t.buf, '}')
	}
	t.buf = append(t.buf, ' ')
}

// Labels returns labels as they stand between the braces, from names and values
// in turn. It is called when a series is made, never for a request.
func Labels(pairs ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i])
		b.WriteString(`="`)
		b.WriteString(escape.Replace(strings.ToValidUTF8(pairs[i+1], "\uFFFD")))
		b.WriteByte('"')
	}
	return b.String()
}
