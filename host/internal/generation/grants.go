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
func checkGrants(info *sandbox.Info, settings *config.Plugin) error {
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
	for _, group := range []abi.Group{abi.Store, abi.Calls} {
		if names := missing[group]; len(names) > 0 {
			return fmt.Errorf("it imports %s, which [plugin.%s] does not grant; add the line %s there",
				strings.Join(names, ", "), settings.Name, grantLine(group, settings.Name))
		}
	}
	return nil
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
	return `calls = ["SERVICE"] or outbound = ["https://HOST"]`
}
