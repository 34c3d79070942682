package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxReferenced is the largest value that is taken from the environment or from a
// file, in bytes: no token, URL or certificate is near it.
const maxReferenced = 64 * kib

// Reference says where a value stands that host.toml only points at. One of the
// two is set. The value itself is read when the configuration is.
type Reference struct {
	Env  string // a variable of the environment
	File string // joined to the directory of host.toml
}

// String returns the reference as host.toml has it, `{ env = "TOKEN" }`.
func (r Reference) String() string {
	if r.Env != "" {
		return "{ env = " + strconv.Quote(r.Env) + " }"
	}
	return "{ file = " + strconv.Quote(r.File) + " }"
}

func (r Reference) effective() map[string]any {
	if r.Env != "" {
		return map[string]any{"env": r.Env}
	}
	return map[string]any{"file": r.File}
}

// ReferencedFiles returns the files that values of the configuration are read
// from, sorted. They need not exist when the configuration has errors.
func (c *Config) ReferencedFiles() []string {
	var files []string
	collect := func(references map[string]Reference) {
		for _, r := range references {
			if r.File != "" {
				files = append(files, r.File)
			}
		}
	}
	collect(c.References)
	for _, p := range c.Plugins {
		collect(p.References)
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// sensitive reads a text that may be empty, or a reference to where it stands.
func sensitive(dst *string, parse parser) reader {
	return func(v any, at place) {
		table, ok := v.(map[string]any)
		if !ok {
			optional(dst, parse)(v, at)
			return
		}
		if at.c.References == nil {
			at.c.References = map[string]Reference{}
		}
		reference, value, ok := referenced(table, at)
		if reference != (Reference{}) {
			at.c.References[at.key.String()] = reference
		}
		if !ok {
			return
		}
		if strings.ContainsFunc(value, isControl) {
			at.fail("the value of %s holds a line break or another control character; it is one line", reference)
			return
		}
		parsed, err := parse(value)
		if err != nil {
			at.fail("the value of %s %v", reference, err)
			return
		}
		*dst = parsed
	}
}

// referenced returns what `{ env = "NAME" }` or `{ file = "PATH" }` stand for. It
// reports what is wrong, and never shows what it read. The reference comes back
// even if there is no value behind it yet.
func referenced(table map[string]any, at place) (r Reference, value string, ok bool) {
	const advice = `write the text itself, { env = "NAME" } or { file = "PATH" }`
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if name != "env" && name != "file" {
			at.fail("%s is neither env nor file; %s", show(name), advice)
			return r, "", false
		}
	}
	if len(table) != 1 {
		at.fail("expected one of env and file, got %d; %s", len(table), advice)
		return r, "", false
	}
	var err error
	if v, isEnv := table["env"]; isEnv {
		name, isText := v.(string)
		if err = checkVariable(name, isText); err == nil {
			r.Env = name
			value, err = readVariable(name)
		}
	} else {
		name, isText := table["file"].(string)
		if err = checkReferencedFile(name, isText); err == nil {
			if !filepath.IsAbs(name) {
				name = filepath.Join(at.c.Dir, name)
			}
			r.File = name
			value, err = readReferenced(name)
		}
	}
	switch {
	case err != nil:
		at.fail("%v", err)
	case value == "":
		at.fail("the value of %s is empty; fill it", r)
	case len(value) > maxReferenced:
		at.fail("the value of %s is over %s; point at the value alone", r, formatSize(maxReferenced))
	case !utf8.ValidString(value):
		at.fail("the value of %s is no UTF-8 text; encode it, as base64 for example", r)
	default:
		return r, value, true
	}
	return r, "", false
}

// checkVariable refuses what is no variable's name without showing it: it may be
// the secret itself, written in the wrong place.
func checkVariable(name string, isText bool) error {
	switch {
	case !isText || name == "":
		return errors.New(`env is the name of a variable, as a text; write { env = "TOKEN" }`)
	case strings.HasPrefix(name, "$"):
		return errors.New(`env is the name alone; leave out the "$"`)
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != "", isDigits(name[:1]):
		return errors.New(`env is no name of a variable; write letters, digits and "_", not the value itself`)
	}
	return nil
}

func readVariable(name string) (string, error) {
	value, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("the variable %s is not set; set it for the process that runs wasmlane, or correct the name", name)
	}
	return value, nil
}

func checkReferencedFile(name string, isText bool) error {
	if !isText || name == "" || strings.ContainsFunc(name, isControl) {
		return errors.New(`file is the path of a file, as a text; write { file = "/run/secrets/token" }`)
	}
	if strings.Contains(name, "://") { // store.url itself: do not show it
		return errors.New("file is no path of a file; write the path of the file that holds the URL, not the URL itself")
	}
	_, err := path(name)
	return err
}

// readReferenced returns what a file holds, without the line break at its end that
// editors and echo leave there.
func readReferenced(name string) (string, error) {
	// A look first: to open a pipe would wait for somebody who writes.
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file; name the file that holds the value", name)
	}
	var data []byte
	if err == nil {
		data, err = readAtMost(name, maxReferenced+2)
	}
	var inner *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s does not exist; create it, or correct the path", name)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("no permission to read %s; allow the user that runs wasmlane to", name)
	case errors.As(err, &inner):
		return "", fmt.Errorf("%s cannot be read: %v", name, inner.Err)
	case err != nil:
		return "", fmt.Errorf("%s cannot be read: %v", name, err)
	}
	text, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		text = strings.TrimSuffix(text, "\r")
	}
	return text, nil
}

func readAtMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}
