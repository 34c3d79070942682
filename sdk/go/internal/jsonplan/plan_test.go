package jsonplan_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wasmlane/wasmlane/sdk/go/internal/jsonplan"
)

type inner struct {
	Text string `json:"text"`
	Next *int   `json:"next,omitempty"`
}

type all struct {
	String  string
	Bool    bool `json:"bool"`
	Int     int  `json:",omitempty"`
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Uintptr uintptr
	Float32 float32
	Float64 float64
	Strings []string            `json:"strings"`
	Structs []inner             `json:"structs,omitempty"`
	Pointer *inner              `json:"p"`
	Twice   **[]*inner          `json:"twice,omitempty"`
	Nested  struct{ A, B int8 } `json:"nested"`
	Empty   struct{}            `json:"empty"`
	hidden  int
	Left    func() `json:"-"`
}

type empties struct {
	S   string   `json:"s,omitempty"`
	B   bool     `json:"b,omitempty"`
	I   int      `json:"i,omitempty"`
	I8  int8     `json:"i8,omitempty"`
	I16 int16    `json:"i16,omitempty"`
	I32 int32    `json:"i32,omitempty"`
	I64 int64    `json:"i64,omitempty"`
	U   uintptr  `json:"u,omitempty"`
	F32 float32  `json:"f32,omitempty"`
	F64 float64  `json:"f64,omitempty"`
	L   []string `json:"l,omitempty"`
	P   *string  `json:"p,omitempty"`
	T   inner    `json:"t,omitempty"`
	Z   string   `json:"z,omitempty"`
}

func TestAppend(t *testing.T) {
	seven, text, nothing := 7, "", []*inner(nil)
	some := []*inner{nil, {Text: "a"}}
	to, toNothing := &some, &nothing
	full := all{
		"a", true, 1, -8, -16, -32, math.MinInt64, 2, 255, 65535, math.MaxUint32, math.MaxUint64, 3, 1.5, 1e-7,
		[]string{"x", "<y>"}, []inner{{}, {"b", &seven}}, &inner{}, &to, struct{ A, B int8 }{1, 2}, struct{}{}, 1, nil,
	}
	for _, v := range []any{
		"text", "", true, false, 0, int8(-1), uint64(math.MaxUint64), 1.25, float32(0.1), 1e21, 1e20, 1e-6, -1e-9, math.Copysign(0, -1),
		[]string(nil), []string{}, []int{1, 2}, [][]bool{{true}, nil, {}}, []struct{}{{}, {}},
		inner{}, &inner{"é\u2028\t\"\\\x7f\xff", &seven}, (*inner)(nil), &seven, (*string)(nil), &text,
		all{}, full, &full, &[]all{full, {}}, all{Twice: &toNothing},
		empties{}, empties{"a", true, 1, 1, 1, 1, 1, 1, 1, 1, []string{""}, &text, inner{}, "z"}, empties{F32: float32(math.Copysign(0, -1)), F64: math.Copysign(0, -1)},
		reflect.Zero(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[bool](), Tag: `json:"a,unheard"`}})).Interface(),
		struct{}{}, struct{ X struct{} }{}, struct{ A int }{5}, struct{ S []struct{ P *int } }{}, struct {
			A, B *int
		}{B: &seven},
	} {
		p := jsonplan.New(v)
		if p == nil {
			t.Errorf("%T has no plan", v)
			continue
		}
		compare(t, p, v)
	}
}

func compare(t *testing.T, p *jsonplan.Plan, v any) {
	t.Helper()
	want, err := json.Marshal(v)
	got, ok := p.Append([]byte("before"), v)
	if !p.Of(v) || ok != (err == nil) || ok && !bytes.Equal(got, append([]byte("before"), want...)) {
		t.Errorf("%T, Of: %v\n got %s %v\nwant %s %v", v, p.Of(v), got, ok, want, err)
	}
}

func TestErrors(t *testing.T) {
	for _, v := range []any{math.NaN(), float32(math.Inf(1)), []float64{1, math.Inf(-1)}, struct{ F *float64 }{new(float64)}} {
		if p := jsonplan.New(v); p != nil {
			compare(t, p, v)
		}
	}
}

type recursive struct{ Next *recursive }

type marshaler struct{ A int }

func (*marshaler) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

type texter string

func (texter) MarshalText() ([]byte, error) { return []byte("1"), nil }

func TestTypesWithoutPlan(t *testing.T) {
	for _, v := range []any{
		nil, map[string]int{}, [2]int{}, []byte("a"), make(chan int), func() {}, complex(1, 1), json.Number("1"), json.RawMessage("1"), time.Time{},
		recursive{}, &recursive{}, marshaler{}, &marshaler{}, []marshaler{}, texter("a"), struct{ T texter }{},
		struct{ inner }{}, struct{ *inner }{}, struct{ A any }{}, struct{ M map[string]int }{},
		struct{ P *int }{}, struct{ P struct{ P *int } }{},
		struct {
			A int `json:",string"`
		}{},
		struct {
			A int `json:",omitzero"`
		}{},
		reflect.Zero(reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"b"`}, {Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"b"`},
		})).Interface(),
		struct {
			A int `json:"<a>"`
		}{},
		struct {
			A int `json:"é"`
		}{},
	} {
		if jsonplan.New(v) != nil {
			t.Errorf("%T has a plan", v)
		}
	}
}

func TestOf(t *testing.T) {
	p := jsonplan.New(inner{})
	for _, v := range []any{nil, &inner{}, all{}, "", struct {
		Text string `json:"text"`
		Next *int   `json:"next,omitempty"`
	}{}} {
		if p.Of(v) {
			t.Errorf("the plan of %T is for %T", inner{}, v)
		}
	}
}

// FuzzAppend makes a type and a value of it from the input, and compares with
// encoding/json.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("\x12\x03\x01\x02\x03\x04\x05\x06some bytes for values"))
	f.Add([]byte("\x12\x05\x10\x01\x11\x02\x00\xff\xfe\xfd\x01\x02<&>"))
	f.Fuzz(func(t *testing.T, input []byte) {
		source := &source{left: input}
		typ := source.typ(3)
		v := reflect.New(typ).Elem()
		source.fill(v, 4)
		if p := jsonplan.New(v.Interface()); p != nil {
			compare(t, p, v.Interface())
		}
	})
}

// source turns bytes into choices; past its end all are 0.
type source struct{ left []byte }

func (s *source) next() byte {
	if len(s.left) == 0 {
		return 0
	}
	b := s.left[0]
	s.left = s.left[1:]
	return b
}

func (s *source) typ(depth int) reflect.Type {
	simple := []any{"", false, 0, int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0), uintptr(0), float32(0), 0.0}
	switch n := int(s.next()) % (len(simple) + 3); {
	case depth == 0:
		return reflect.TypeOf(simple[n%len(simple)])
	case n == len(simple):
		return reflect.SliceOf(s.typ(depth - 1))
	case n == len(simple)+1:
		return reflect.PointerTo(s.typ(depth - 1))
	case n == len(simple)+2:
		var fields []reflect.StructField
		for i := range s.next() % 8 {
			tag := `json:"` + strings.Repeat("n", int(i)) + []string{"", ",omitempty"}[s.next()%2] + `"`
			fields = append(fields, reflect.StructField{Name: "F" + string('a'+rune(i)), Type: s.typ(depth - 1), Tag: reflect.StructTag(tag)})
		}
		return reflect.StructOf(fields)
	default:
		return reflect.TypeOf(simple[n])
	}
}

func (s *source) fill(v reflect.Value, depth int) {
	number := func() (n uint64) {
		for range s.next() % 9 {
			n = n<<8 | uint64(s.next())
		}
		return n
	}
	switch v.Kind() {
	case reflect.String:
		text := make([]byte, s.next()%12)
		for i := range text {
			text[i] = s.next()
		}
		v.SetString(string(text))
	case reflect.Bool:
		v.SetBool(s.next()%2 == 1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(math.Float64frombits(number()))
	case reflect.Slice:
		if n := int(s.next() % 4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
		}
		for i := range v.Len() {
			s.fill(v.Index(i), depth-1)
		}
	case reflect.Pointer:
		if s.next()%3 > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			s.fill(v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			s.fill(v.Field(i), depth-1)
		}
	default:
		if v.CanInt() {
			v.SetInt(int64(number()))
		} else {
			v.SetUint(number())
		}
	}
}
