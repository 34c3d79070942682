package exchange

import (
	"net/url"
	"testing"
)

func TestQuery(t *testing.T) {
	for _, c := range []struct {
		query, name string
		index       uint32
		want        string
		ok          bool
	}{
		{"a=1&b=2", "a", 0, "1", true},
		{"a=1&b=2&a=3", "a", 1, "3", true},
		{"a=1", "a", 1, "", false},
		{"a=1", "b", 0, "", false},
		{"k", "k", 0, "", true},
		{"k=", "k", 0, "", true},
		{"", "", 0, "", false},
		{"=v", "", 0, "v", true},
		{"&&a=1&&", "a", 0, "1", true},
		{"a=x+y%20z%2B", "a", 0, "x y z+", true},
		{"a%20b+c=1", "a b c", 0, "1", true},
		{"a=1=2", "a", 0, "1=2", true},
		{"a=%zz%4", "a", 0, "%zz%4", true},
		{"a=%41%c3%b6", "a", 0, "Aö", true},
		{"A=1", "a", 0, "", false},
		{"ab=1", "a", 0, "", false},
		{"a=1", "ab", 0, "", false},
	} {
		got, ok := appendQuery(nil, []byte(c.query), []byte(c.name), c.index)
		if string(got) != c.want || ok != c.ok {
			t.Errorf("%q in %q [%d]: %q, %v", c.name, c.query, c.index, got, ok)
		}
	}
}

// Where net/url understands a query, we understand the same.
func FuzzQuery(f *testing.F) {
	f.Add("a=1&b=%20&c", "b", uint32(0))
	f.Fuzz(func(t *testing.T, query, name string, index uint32) {
		got, ok := appendQuery(nil, []byte(query), []byte(name), index)
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		want := values[name]
		if ok != (uint64(index) < uint64(len(want))) || (ok && string(got) != want[index]) {
			t.Fatalf("%q[%d] in %q: %q, %v; net/url has %q", name, index, query, got, ok, want)
		}
	})
}
