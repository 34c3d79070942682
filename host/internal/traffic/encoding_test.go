package traffic

import (
	"strings"
	"testing"
)

func TestAccepted(t *testing.T) {
	for header, want := range map[string]Coding{
		"":                           Identity,
		"gzip":                       Gzip,
		"GZIP":                       Gzip,
		"x-gzip":                     Gzip,
		"br":                         Brotli,
		"gzip, deflate, br, zstd":    Brotli,
		"gzip;q=1.0, br;q=0.8":       Gzip,
		"gzip;q=0.8,br;q=0.8":        Brotli,
		"br;q=0":                     Identity,
		"br;q=0, gzip":               Gzip,
		"br;q=0.000, *":              Gzip,
		"*":                          Brotli,
		"*;q=0":                      Identity,
		"*;q=0, gzip;q=0.001":        Gzip,
		"identity":                   Identity,
		"deflate":                    Identity,
		"gzip ; q=0.5":               Gzip,
		"gzip;q=2":                   Identity,
		"gzip;q=1.5":                 Identity,
		"gzip;q=0.1234":              Identity,
		"gzip;q=":                    Identity,
		"gzip;q=0.x":                 Identity,
		"gzip;level=1":               Identity,
		"nogzip, gzipped, xbr, brot": Identity,
		",,, ;;;,=":                  Identity,
		"\x00":                       Identity,
		strings.Repeat(",", 4000):    Identity,
	} {
		if got := Accepted([]byte(header), true); got != want {
			t.Errorf("%.40q: %d, want %d", header, got, want)
		}
	}
}

func TestAcceptedWithoutBrotli(t *testing.T) {
	for header, want := range map[string]Coding{"br": Identity, "br, gzip;q=0.1": Gzip, "*": Gzip, "gzip;q=0, *": Identity} {
		if got := Accepted([]byte(header), false); got != want {
			t.Errorf("%q: %d, want %d", header, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	types := []string{"text/*", "application/json", "image/svg+xml"}
	for header, want := range map[string]bool{
		"text/html":                       true,
		"Text/HTML; charset=utf-8":        true,
		"text/":                           false,
		"text":                            false,
		"textual/x":                       false,
		"application/json":                true,
		"application/json;charset=utf-8":  true,
		" application/JSON ":              true,
		"application/json-seq":            false,
		"application/octet-stream":        false,
		"image/svg+xml":                   true,
		"":                                false,
		"multipart/x; a=application/json": false,
	} {
		if got := Matches([]byte(header), types); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestNoTransform(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "no-transform": true, "max-age=1, No-Transform": true, "no-transformers": false, "private": false,
	} {
		if got := NoTransform([]byte(header)); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func FuzzAccepted(f *testing.F) {
	f.Add([]byte("gzip;q=0.5, br, *;q=0"))
	f.Fuzz(func(t *testing.T, header []byte) {
		got := Accepted(header, true)
		lower := strings.ToLower(string(header))
		switch got {
		case Brotli:
			if !strings.Contains(lower, "br") && !strings.Contains(lower, "*") {
				t.Error("brotli for who did not ask")
			}
		case Gzip:
			if !strings.Contains(lower, "gzip") && !strings.Contains(lower, "*") {
				t.Error("gzip for who did not ask")
			}
		}
	})
}
