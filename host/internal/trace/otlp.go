package trace

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Kind is the kind of a span, as OTLP numbers it.
type Kind int

// The kinds.
const (
	Internal Kind = 1
	Server   Kind = 2
	Client   Kind = 3
)

// Span is one that has ended.
type Span struct {
	Trace      ID
	ID, Parent SpanID // no Parent: the trace begins here
	State      string // tracestate
	Name       string
	Kind       Kind
	Start, End time.Time
	Attrs      []Attr
	Failed     bool
	Message    string // why, when Failed
}

// Attr is an attribute: a text, or a number.
type Attr struct {
	Key    string
	Text   string
	Number int64
	IsText bool
}

// Text returns an attribute.
func Text(key, value string) Attr { return Attr{Key: key, Text: value, IsText: true} }

// Number returns an attribute.
func Number(key string, value int64) Attr { return Attr{Key: key, Number: value} }

// The message ExportTraceServiceRequest, in OTLP's JSON: names in lowerCamelCase,
// ids in hexadecimal, 64-bit numbers as texts, enums as numbers.
type (
	otlpRequest struct {
		ResourceSpans []otlpResourceSpans `json:"resourceSpans"`
	}
	otlpResourceSpans struct {
		Resource   otlpResource     `json:"resource"`
		ScopeSpans []otlpScopeSpans `json:"scopeSpans"`
	}
	otlpResource struct {
		Attributes []otlpAttr `json:"attributes"`
	}
	otlpScopeSpans struct {
		Scope otlpScope  `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpScope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	otlpSpan struct {
		TraceID           string      `json:"traceId"`
		SpanID            string      `json:"spanId"`
		TraceState        string      `json:"traceState,omitempty"`
		ParentSpanID      string      `json:"parentSpanId,omitempty"`
		Flags             uint32      `json:"flags"`
		Name              string      `json:"name"`
		Kind              Kind        `json:"kind"`
		StartTimeUnixNano string      `json:"startTimeUnixNano"`
		EndTimeUnixNano   string      `json:"endTimeUnixNano"`
		Attributes        []otlpAttr  `json:"attributes,omitempty"`
		Status            *otlpStatus `json:"status,omitempty"`
	}
	otlpAttr struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		StringValue *string `json:"stringValue,omitempty"`
		IntValue    *string `json:"intValue,omitempty"`
	}
	otlpStatus struct {
		Message string `json:"message,omitempty"`
		Code    int    `json:"code"`
	}
)

// statusError is the code of a span that failed.
const statusError = 2

// encode returns the message for a batch.
func (o *Options) encode(batch []Span) ([]byte, error) {
	spans := make([]otlpSpan, len(batch))
	for i := range batch {
		spans[i] = batch[i].otlp()
	}
	return json.Marshal(otlpRequest{[]otlpResourceSpans{{
		Resource:   otlpResource{attrs([]Attr{Text("service.name", o.Service), Text("service.version", o.Version)})},
		ScopeSpans: []otlpScopeSpans{{otlpScope{"wasmlane", o.Version}, spans}},
	}}})
}

func (s *Span) otlp() otlpSpan {
	span := otlpSpan{
		TraceID:    hex.EncodeToString(s.Trace[:]),
		SpanID:     hex.EncodeToString(s.ID[:]),
		TraceState: s.State,
		Flags:      Sampled,
		Name:       valid(s.Name),
		Kind:       s.Kind,
		// The end comes from the monotonic clock: it is never before the start.
		StartTimeUnixNano: strconv.FormatInt(s.Start.UnixNano(), 10),
		EndTimeUnixNano:   strconv.FormatInt(s.Start.UnixNano()+max(0, int64(s.End.Sub(s.Start))), 10),
		Attributes:        attrs(s.Attrs),
	}
	if s.Parent != (SpanID{}) {
		span.ParentSpanID = hex.EncodeToString(s.Parent[:])
	}
	if s.Failed {
		span.Status = &otlpStatus{Message: valid(s.Message), Code: statusError}
	}
	return span
}

func attrs(list []Attr) []otlpAttr {
	all := make([]otlpAttr, len(list))
	for i, a := range list {
		text := valid(a.Text)
		all[i] = otlpAttr{Key: a.Key, Value: otlpValue{StringValue: &text}}
		if !a.IsText {
			number := strconv.FormatInt(a.Number, 10)
			all[i].Value = otlpValue{IntValue: &number}
		}
	}
	return all
}

// valid makes a text UTF-8, as JSON has to be.
func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
