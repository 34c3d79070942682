package config

import (
	"fmt"
	"strings"
)

// table reads the keys of one table and reports the others as unknown. header
// is one of those that sections returns.
func table(values map[string]any, at place, header string, keys []key) {
	known := make(map[string]bool, len(keys))
	for _, k := range keys {
		known[k.name] = true
		if v, ok := values[k.name]; ok {
			k.read(v, at.in(k.name))
		}
	}
	var all []kindOfSection // made once, for a file where everything is unknown
	for _, name := range at.inOrder(values) {
		if known[name] {
			continue
		}
		if all == nil {
			all = sections()
		}
		at.in(name).fail("%s", unknown(name, values[name], header, keys, all))
	}
}

// section reads a section that stands once in the file, such as [server].
func section(name string, keys []key) reader {
	header := "[" + name + "]"
	return func(v any, at place) {
		if values, ok := v.(map[string]any); ok {
			table(values, at, header, keys)
			return
		}
		all, ok := tables(v)
		if !ok {
			at.fail("expected a section, got %s; write %s and its keys below", kind(v), header)
			return
		}
		at.fail("write %s once, with single brackets", header)
		for i, values := range all {
			table(values, at.elem(i), header, keys)
		}
	}
}

// named calls each for every section of a kind that is told apart by a name,
// such as [plugin.user]. what is "plugin" or "service".
func named(v any, at place, what string, keys []key, each func(name string, values map[string]any, at place)) {
	all, ok := v.(map[string]any)
	if !ok {
		if _, many := tables(v); many {
			at.fail("write [%s.NAME], with single brackets and the name of the %s", what, what)
			return
		}
		at.fail("expected sections, got %s; write [%s.NAME] with the name of the %s", kind(v), what, what)
		return
	}
	for _, name := range at.inOrder(all) {
		at := at.in(name)
		values, ok := all[name].(map[string]any)
		switch _, many := tables(all[name]); {
		case ok:
		case many:
			at.fail("write [%s.%s] once, with single brackets", what, name)
			continue
		case hasKey(keys, name):
			at.fail("a key of one %s; write it below [%s.NAME], with the name of the %s", what, what, what)
			continue
		default:
			at.fail("expected a section, got %s; write [%s.%s] and its keys below", kind(all[name]), what, name)
			continue
		}
		if _, err := checkName(what, name); err != nil {
			at.fail("%v", err)
		}
		each(name, values, at)
	}
}

// tables returns the tables of [[name]], or of a list of inline tables.
func tables(v any) ([]map[string]any, bool) {
	switch v := v.(type) {
	case []map[string]any:
		return v, true
	case []any:
		all := make([]map[string]any, len(v))
		for i := range v {
			values, ok := v[i].(map[string]any)
			if !ok {
				return nil, false
			}
			all[i] = values
		}
		return all, len(all) > 0
	}
	return nil, false
}

func hasKey(keys []key, name string) bool {
	for _, k := range keys {
		if k.name == name {
			return true
		}
	}
	return false
}

// unknown says what to do about a key that the section under header does not
// have.
func unknown(name string, v any, header string, keys []key, all []kindOfSection) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	what := "key"
	if _, many := tables(v); many || kind(v) == "a table" {
		what = "section"
	}
	if header == "" && what == "section" {
		if near := Nearest(name, names); near != "" {
			return fmt.Sprintf("unknown section; did you mean %s?", headerOf(near, all))
		}
		return "unknown section; the sections are " + strings.Join(headers(all), " ")
	}
	if homes := homes(name, all); len(homes) > 0 { // more likely than a slip
		return fmt.Sprintf("unknown %s here; it belongs %s", what, strings.Join(homes, " or "))
	}
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("unknown %s; did you mean %q?", what, near)
	}
	if header == "" {
		return "unknown key; plugin_dir and cache_dir stand above the sections, which are " + strings.Join(headers(all), " ")
	}
	return fmt.Sprintf("unknown %s; %s has %s", what, header, strings.Join(names, " "))
}

// homes returns where the key is known, such as "in [server]".
func homes(name string, all []kindOfSection) (found []string) {
	for _, s := range all {
		switch {
		case !hasKey(s.keys, name):
		case s.header != "":
			found = append(found, "in "+s.header)
		case headerOf(name, all) == name:
			found = append(found, "at the top of the file, above the first section")
		}
	}
	return found
}

// headers returns the headers of all sections.
func headers(all []kindOfSection) (found []string) {
	for _, s := range all {
		if s.header != "" {
			found = append(found, s.header)
		}
	}
	return found
}

// headerOf returns how the section of that name is written, or the name itself
// when it is a key.
func headerOf(name string, all []kindOfSection) string {
	for _, h := range headers(all) {
		if base, _, _ := strings.Cut(strings.Trim(h, "[]"), "."); base == name {
			return h
		}
	}
	return name
}
