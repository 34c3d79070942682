package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile is the largest host.toml that is read, in bytes: room for ten thousand
// routes, and an end to reading what is no configuration at all.
const maxFile = mib

// Load reads the file at path. The Config is nil only when the file cannot be
// read or is no TOML; otherwise it holds what was understood, errors or not.
// The errors are all there are, in the order of their lines.
func Load(path string) (*Config, Errors) {
	c := &Config{File: path}
	data, err := read(path)
	switch {
	case err == nil:
		return Parse(path, data)
	case errors.Is(err, fs.ErrNotExist):
		return nil, Errors{c.Error(0, "", "no such file; create it, or name another with -c FILE")}
	case errors.Is(err, fs.ErrPermission):
		return nil, Errors{c.Error(0, "", "no permission to read it; allow the user that runs wasmlane to")}
	case errors.Is(err, errDirectory):
		return nil, Errors{c.Error(0, "", "is a directory; name the file, as in -c %s", filepath.Join(path, "host.toml"))}
	case errors.Is(err, errTooLarge):
		return nil, Errors{c.Error(0, "", "is larger than %s; name the configuration with -c FILE", formatSize(maxFile))}
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return nil, Errors{c.Error(0, "", "cannot be read: %v; make it a readable file, or name another with -c FILE", err)}
}

var (
	errDirectory = errors.New("is a directory")
	errTooLarge  = errors.New("too large")
)

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errDirectory
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, errTooLarge
	}
	return data, err
}

// Parse reads the text of a host.toml. file stands in the errors, and relative
// paths are joined to its directory. The results are those of [Load].
func Parse(file string, data []byte) (*Config, Errors) {
	c := Defaults()
	c.File, c.Dir = file, filepath.Dir(file)

	tree, values, problem := c.decode(string(data))
	if problem != nil {
		return nil, Errors{*problem}
	}
	var errs Errors
	root := place{c: c, errs: &errs, node: tree, own: true}
	table(values, root, "", c.keys())
	c.check(root)
	c.join()
	c.Lines = fileLines(tree)
	return c, errs.Sort()
}

// decode returns the text's values and where they stand, or the one error for
// which it is no TOML.
func (c *Config) decode(text string) (*node, map[string]any, *Error) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		err := c.Error(1, "", "is UTF-16; save it as UTF-8")
		return nil, nil, &err
	}
	text = strings.TrimPrefix(text, "\xef\xbb\xbf")

	// The lines come first, for their limit on nesting: the library recurses
	// with every level and takes quadratic time over a long dotted key.
	found := scan(text)
	if found.deep > 0 {
		err := c.Error(found.deep, "", "nested more than %d deep; nothing in host.toml is deeper than 3", maxDepth)
		return nil, nil, &err
	}
	values := map[string]any{}
	if err := unmarshal(text, &values); err != nil {
		err := c.syntaxError(text, found, err)
		return nil, nil, &err
	}
	return found.root, values, nil
}

// errPanic stands for a panic of the TOML library, whose text may hold values
// of the file and is not shown.
var errPanic = errors.New("the TOML parser gave up")

func unmarshal(text string, values *map[string]any) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	if err := toml.Unmarshal([]byte(text), values); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

// join makes the relative paths of the file relative to its directory.
func (c *Config) join() {
	for _, path := range []*string{
		&c.PluginDir, &c.CacheDir, &c.Store.Path, &c.Server.TLSCert, &c.Server.TLSKey,
	} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(c.Dir, *path)
		}
	}
}
