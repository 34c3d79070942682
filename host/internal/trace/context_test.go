package trace

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for header, want := range map[string]string{
		good: good,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00":      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff":      good,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      good,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what": good,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01what":  "",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what": "",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01":      "",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01":      "",
		strings.ToUpper(good): "",
		"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01":  "",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1":  "",
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01": "",
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01": "",
		" " + good: "", good + " ": "", "": "", "00": "",
	} {
		got := ""
		if c, ok := Parse([]byte(header)); ok {
			got = string(c.Append(nil))
		}
		if got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func TestValidState(t *testing.T) {
	for header, want := range map[string]bool{
		"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE": true,
		"a=1, b=2 ,,c=3":                   true,
		"tenant@system=x y":                true,
		"0a=1":                             true,
		"":                                 false,
		"A=1":                              false,
		"a":                                false,
		"a=":                               false,
		"=1":                               false,
		"a=1=2":                            false,
		"a=\x01":                           false,
		"a=é":                              false,
		strings.Repeat("a", 256) + "=1":    true,
		strings.Repeat("a", 257) + "=1":    false,
		strings.Repeat("a=1,", 31) + "a=1": true,
		strings.Repeat("a=1,", 33):         false,
		"a=" + strings.Repeat("x", 256):    true,
		"a=" + strings.Repeat("x", 257):    false,
		strings.Repeat("a="+strings.Repeat("x", 200)+",", 3): false,
	} {
		if got := ValidState([]byte(header)); got != want {
			t.Errorf("%.60q: %v", header, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	f.Fuzz(func(t *testing.T, header []byte) {
		c, ok := Parse(header)
		if !ok {
			return
		}
		again, ok := Parse(c.Append(nil))
		if !ok || again != c {
			t.Errorf("%q: %v, then %v", header, c, again)
		}
	})
}

func TestIDsDiffer(t *testing.T) {
	a, b, c, d := NewID(), NewID(), NewSpanID(), NewSpanID()
	if a == b || c == d {
		t.Error("the same twice")
	}
	if n := testing.AllocsPerRun(100, func() { NewID(); NewSpanID() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
