package config

import (
	"reflect"
	"slices"
	"testing"
)

// Every field of a section that holds open sockets either needs a restart or is
// known to take effect at a reload: a new field has to choose.
func TestNeedRestart(t *testing.T) {
	live := []string{"MaxBody", "BodyMemory", "MaxResponse", "DrainDelay", "Drain", "TLSCert", "TLSKey",
		"Level", "Format", "Access", "AccessFormat", "GuestRate", "Upload"}
	sections := map[string]func(*Config) reflect.Value{
		"server": func(c *Config) reflect.Value { return reflect.ValueOf(&c.Server).Elem() },
		"admin":  func(c *Config) reflect.Value { return reflect.ValueOf(&c.Admin).Elem() },
		"log":    func(c *Config) reflect.Value { return reflect.ValueOf(&c.Log).Elem() },
	}
	for name, section := range sections {
		for i := range section(Defaults()).NumField() {
			now := Defaults()
			field := section(now).Type().Field(i).Name
			if field != "TLSCert" {
				change(section(now).Field(i))
			}
			keys := NeedRestart(Defaults(), now)
			if want := !slices.Contains(live, field); (len(keys) == 1) != want {
				t.Errorf("%s.%s: keys %v, want some: %v", name, field, keys, want)
			}
		}
	}
	tls := Defaults()
	tls.Server.TLSCert = "cert.pem"
	if keys := NeedRestart(Defaults(), tls); !slices.Equal(keys, []string{"server.tls_cert"}) {
		t.Errorf("switching TLS on: %v", keys)
	}
	if keys := NeedRestart(tls, tls); len(keys) != 0 {
		t.Errorf("nothing changed: %v", keys)
	}
}

// change gives a field another value.
func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Struct:
		change(v.Field(0))
	default:
		v.SetInt(v.Int() + 1)
	}
}
