package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Job is one plugin to build.
type Job struct {
	Dir      string
	Language Language // "": found out by Detect
	// Out is the file to write, or an existing directory to write NAME.wasm to;
	// "" is the same as Dir.
	Out string
	// Env is added to the environment of the compiler, as "NAME=value".
	Env []string
	// What the compiler writes goes here as it is; nowhere when they are nil.
	Stdout, Stderr io.Writer
}

// Result is what a job has come to.
type Result struct {
	File     string // the module
	Language Language
}

// ErrCompiler is the error of a compiler that ran and failed. It has said why.
var ErrCompiler = errors.New("the compiler failed")

// plan is how one directory is built.
type plan struct {
	name string   // of the plugin; "" when artifact finds it out
	argv []string // the program by its path, then its arguments
	env  []string // what is added to the environment
	// links are directories under other names, by the paths of the links. They are made
	// beside the module for the compiler, and thrown away with all else there.
	links map[string]string
	// artifact finds the module when argv did not say where to put it, and the name of
	// the plugin.
	artifact func() (file, name string, err error)
	stdout   *bytes.Buffer // takes what artifact reads, which is then not shown
}

// planner makes the plan to build dir, an absolute path, into the file out.
type planner func(t *tools, dir, out string) (*plan, error)

func (l Language) planner() planner {
	switch l {
	case Go:
		return planGo
	case C:
		return planC
	case Rust:
		return planRust
	case AssemblyScript:
		return planAssemblyScript
	default:
		return planZig
	}
}

// Build builds a plugin. The module is put in place whole or not at all: a host that
// watches the file never reads half of it. The end of ctx stops the compiler. The
// errors are those that the package's text tells of.
func (j Job) Build(ctx context.Context) (*Result, error) {
	if j.Language == "" {
		l, err := Detect(j.Dir)
		if err != nil {
			return nil, err
		}
		j.Language = l
	} else if _, err := list(j.Dir); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(j.Dir)
	if err != nil {
		return nil, err
	}
	// Compilers leave files of their own beside the module: all of it is made in a
	// directory that is thrown away.
	workshop, err := os.MkdirTemp("", "wasmlane-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(workshop)
	out := filepath.Join(workshop, "plugin.wasm")
	p, err := j.Language.planner()(realTools(ctx), dir, out)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.Dir, err)
	}
	if out, err = j.run(ctx, p, dir, out); err != nil {
		return nil, err
	}
	file, err := target(j.Dir, j.Out, p.name)
	if err != nil {
		return nil, err
	}
	return &Result{file, j.Language}, place(out, file)
}

// run runs the compiler and returns the file it has made. The plan has a name then.
func (j Job) run(ctx context.Context, p *plan, dir, out string) (string, error) {
	for link, to := range p.links {
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(to, link)); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(cmd.Environ(), j.Env, p.env)
	cmd.Stdout, cmd.Stderr = j.Stdout, j.Stderr
	if p.stdout != nil {
		cmd.Stdout = p.stdout
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("%s: %w (%s: %w)", j.Dir, ErrCompiler, filepath.Base(p.argv[0]), err)
		}
		return "", fmt.Errorf("%s: %w", j.Dir, err)
	}
	if p.artifact != nil {
		var err error
		if out, p.name, err = p.artifact(); err != nil {
			return "", fmt.Errorf("%s: %w", j.Dir, err)
		}
	}
	if _, err := os.Stat(out); err != nil {
		return "", fmt.Errorf("%s: %s has ended without an error and without a module", j.Dir, filepath.Base(p.argv[0]))
	}
	return out, nil
}

// target returns the file that the module of a plugin goes to.
func target(dir, out, name string) (string, error) {
	if out == "" {
		out = dir
	}
	info, err := os.Stat(out)
	if err == nil && info.IsDir() {
		return filepath.Join(out, name+".wasm"), nil
	}
	parent := filepath.Dir(out)
	if _, err := os.Stat(parent); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s: there is no directory %s; create it", out, parent)
		}
		return "", err
	}
	if err == nil && (!info.Mode().IsRegular() || filepath.Ext(out) != ".wasm" && info.Size() > 0 && !isModule(out)) {
		return "", fmt.Errorf("%s: there is such a file, and it is no module; name another one, or remove it", out)
	}
	return out, nil
}

// isModule reports whether a file begins as modules do: a source is not to be lost
// because it was named by mistake.
func isModule(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, 4)
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == "\x00asm"
}

// place copies a file to another place in one step. The file beside begins with a
// dot, so that a host which watches the directory takes no notice of it.
func place(from, to string) (err error) {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error before is the one to report
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}

// nameOf returns the plugin's name that a file stands for.
func nameOf(file string) string {
	base := filepath.Base(file)
	return base[:len(base)-len(filepath.Ext(base))]
}
