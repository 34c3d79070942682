package toolchain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tools is how compilers are looked for and asked. Tests have others.
type tools struct {
	// find returns the path of a program in PATH, or "".
	find func(name string) string
	// all returns the paths of all programs of a name: those in PATH, then those in
	// directories that people forget to put there.
	all func(name string) []string
	// ask runs a program in dir and returns what it says, without the last newline.
	ask func(dir string, env []string, argv ...string) (string, error)
}

func realTools(ctx context.Context) *tools {
	path := filepath.SplitList(os.Getenv("PATH"))
	if home, err := os.UserHomeDir(); err == nil {
		path = append(path, filepath.Join(home, ".cargo", "bin"))
	}
	path = append(path, "/usr/local/bin", "/usr/bin", "/opt/homebrew/opt/llvm/bin", "/usr/local/opt/llvm/bin")
	return &tools{
		find: func(name string) string {
			file, err := exec.LookPath(name)
			if err != nil {
				return ""
			}
			return file
		},
		all: func(name string) []string { return programs(path, name) },
		ask: func(dir string, env []string, argv ...string) (string, error) {
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Dir = dir
			cmd.Env = append(cmd.Environ(), env...)
			out, err := cmd.Output()
			return strings.TrimRight(string(out), "\r\n"), err
		},
	}
}

// programs returns every program of that name in the directories.
func programs(path []string, name string) (files []string) {
	seen := map[string]bool{}
	for _, dir := range path {
		if !filepath.IsAbs(dir) {
			continue
		}
		file, err := exec.LookPath(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		// /bin is /usr/bin on many systems. What a link is called decides what it does,
		// with rustup, so that only the directories are resolved.
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		files = append(files, file)
	}
	return files
}

// upwards calls at with dir and each directory above until it returns something.
func upwards(dir string, at func(dir string) string) string {
	for {
		if found := at(dir); found != "" {
			return found
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// beside returns the path of a file of an SDK: in dir, in its subdirectory
// wasmlane, or in a checkout around it; "" when it is nowhere.
func beside(dir, file, sdk string) string {
	for _, path := range []string{filepath.Join(dir, file), filepath.Join(dir, "wasmlane", file)} {
		if exists(path) {
			return path
		}
	}
	return around(dir, sdk, file)
}

// around returns the path of a file of an SDK in a checkout around dir, or "".
func around(dir, sdk, file string) string {
	return upwards(dir, func(dir string) string {
		if path := filepath.Join(dir, "sdk", sdk, file); exists(path) {
			return path
		}
		return ""
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
