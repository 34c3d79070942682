package generation

import (
	"fmt"
	"strings"

	"github.com/wasmlane/wasmlane/abi"
	"github.com/wasmlane/wasmlane/host/internal/config"
	"github.com/wasmlane/wasmlane/host/internal/sandbox"
)

// checkGrants refuses a plugin that imports what host.toml does not grant it,
// and says which line would.
func checkGrants(cfg *config.Config, file string, info *sandbox.Info, settings *config.Plugin) error {
	missing := map[abi.Group][]string{}
	for _, i := range info.Imports {
		f, ok := abi.Lookup(i.Name)
		if i.Module != abi.Module || !ok {
			continue
		}
		if !granted(f.Group, settings) {
			missing[f.Group] = append(missing[f.Group], f.Name)
		}
	}
	var names, lines []string
	for _, group := range []abi.Group{abi.Store, abi.Calls} {
		if len(missing[group]) > 0 {
			names = append(names, missing[group]...)
			lines = append(lines, grantLine(group, settings.Name))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	imports, add := strings.Join(names, ", "), strings.Join(lines, " and ")
	section := "plugin." + settings.Name
	if line := settings.Lines.Header; line > 0 {
		return cfg.Error(line, section, "%s imports %s, which is not granted; add here: %s", file, imports, add)
	}
	return cfg.Error(0, section, "%s imports %s, which is not granted; add [%s] with %s", file, imports, section, add)
}

func granted(group abi.Group, settings *config.Plugin) bool {
	switch group {
	case abi.Store:
		return settings.Store != ""
	case abi.Calls:
		return len(settings.Calls) > 0 || len(settings.Outbound) > 0
	}
	return true
}

// grantLine is the line of host.toml that grants a group, with a value that
// fits the plugin where one can be guessed.
func grantLine(group abi.Group, plugin string) string {
	if group == abi.Store {
		return fmt.Sprintf("store = %q", plugin)
	}
	return `calls = ["SERVICE"] (or outbound = ["https://HOST"])`
}
