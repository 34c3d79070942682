package suite

import (
	"os"
	"path/filepath"
)

// buildAssemblyScript runs the build script of package.json. A plugin of this
// repository needs no node_modules of its own: the SDK's will do, so that "npm ci"
// is run once for all of them.
func buildAssemblyScript(dir, out string) error {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".bin", "asc")); err != nil {
		sdk := above(dir, filepath.Join("sdk", "assemblyscript"))
		if sdk == "" {
			return &MissingError{"asc", "run \"npm ci\" in " + dir}
		}
		if _, err := os.Stat(filepath.Join(sdk, "node_modules", ".bin", "asc")); err != nil {
			return &MissingError{"asc", "run \"npm ci\" in " + sdk}
		}
		if dir, err = borrowModules(dir, sdk); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	// npm would ask the registry now and then whether there is a newer npm.
	return command(dir, []string{"npm_config_update_notifier=false"}, "npm", "run", "--silent", "build", "--", "--outFile", out)
}

// borrowModules makes a directory with the sources of dir and, as links, the SDK and
// what stands in its node_modules.
func borrowModules(dir, sdk string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	borrowed, err := os.MkdirTemp("", "wasmlane-asc-")
	if err != nil {
		return "", err
	}
	modules := filepath.Join(borrowed, "node_modules")
	links := map[string]string{filepath.Join(modules, "wasmlane"): sdk}
	for _, name := range []string{"package.json", "asconfig.json", "assembly"} {
		links[filepath.Join(borrowed, name)] = filepath.Join(from, name)
	}
	for _, name := range []string{".bin", "assemblyscript", "binaryen", "long"} {
		links[filepath.Join(modules, name)] = filepath.Join(sdk, "node_modules", name)
	}
	err = os.Mkdir(modules, 0o755)
	for link, target := range links {
		if err == nil {
			err = os.Symlink(target, link)
		}
	}
	if err != nil {
		os.RemoveAll(borrowed)
		return "", err
	}
	return borrowed, nil
}
