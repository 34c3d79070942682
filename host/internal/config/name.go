package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkName returns name when it is one that a plugin, a service or a keyspace
// (what) may have: [a-z][a-z0-9_-]*.
func checkName(what, name string) (string, error) {
	if IsName(name) {
		return name, nil
	}
	near := strings.NewReplacer(" ", "-", ".", "-", "/", "-").Replace(strings.ToLower(strings.TrimSuffix(name, ".wasm")))
	if IsName(near) {
		return "", fmt.Errorf("%s is no name of a %s; write %q", show(name), what, near)
	}
	return "", fmt.Errorf(`%s is no name of a %s; write letters a-z, digits, "_" and "-", a letter first`, show(name), what)
}

// IsName reports whether s can name a plugin, a service or a keyspace:
// [a-z][a-z0-9_-]*.
func IsName(s string) bool { return isWord(s, "-") }

// isExport reports whether s can be a handler: [a-z][a-z0-9_]*.
func isExport(s string) bool { return isWord(s, "") }

func isWord(s, also string) bool {
	return s != "" && 'a' <= s[0] && s[0] <= 'z' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_"+also) == ""
}

func keyspace(s string) (string, error) { return checkName("keyspace", s) }

// CheckPluginName returns an error that says how a plugin may be called, or nil when
// s is such a name.
func CheckPluginName(s string) error {
	_, err := checkName("plugin", s)
	return err
}

func pluginName(s string) (string, error) { return checkName("plugin", s) }

// call parses the name of a service in calls. Whether there is one is checked
// when all of the file is read.
func call(s string) (string, error) {
	if strings.Contains(s, "://") {
		return "", errors.New(`holds an origin; a service outside goes into outbound, or into the targets of a [service.NAME] to be called by its name`)
	}
	return checkName("service", s)
}

// sha256 parses the hash of a file into lower case.
func sha256(s string) (string, error) {
	const advice = "write the 64 hex digits that sha256sum prints for the file"
	if _, err := hex.DecodeString(s); err != nil {
		return "", errors.New("is no SHA-256; " + advice)
	}
	if len(s) != 64 {
		return "", fmt.Errorf("has %d hex digits; %s", len(s), advice)
	}
	return strings.ToLower(s), nil
}

// builtins are the handlers that begin with "@".
func builtins() []string { return []string{"health", "ready", "metrics", "service"} }

// CGI stands for the export in "PLUGIN.@cgi", which has a WASI command answer.
const CGI = "@cgi"

// parseHandler splits "PLUGIN.EXPORT", or returns the name behind the "@".
func parseHandler(s string) (plugin, export, builtin string, err error) {
	if name, ok := strings.CutPrefix(s, "@"); ok {
		if slices.Contains(builtins(), name) {
			return "", "", name, nil
		}
		if name == "cgi" {
			return "", "", "", fmt.Errorf(`%s names no plugin; write "PLUGIN.@cgi"`, show(s))
		}
		if near := Nearest(name, builtins()); near != "" {
			return "", "", "", fmt.Errorf("%s is no built-in handler; did you mean %q?", show(s), "@"+near)
		}
		return "", "", "", fmt.Errorf(`%s is no built-in handler; write "@health", "@ready", "@metrics" or "@service"`, show(s))
	}
	plugin, export, _ = strings.Cut(s, ".")
	switch {
	case !IsName(plugin):
	case export == CGI:
		return plugin, export, "", nil
	case export == "_start" || strings.HasPrefix(export, "@"):
		return "", "", "", fmt.Errorf(`%q is no handler; write %q to have a WASI command answer`, s, plugin+"."+CGI)
	}
	if IsName(plugin) && isExport(export) {
		if strings.HasPrefix(export, "wasmlane_") {
			return "", "", "", fmt.Errorf(`%s names an export that is the host's; a handler's name does not begin with "wasmlane_"`, show(s))
		}
		return plugin, export, "", nil
	}
	near := strings.NewReplacer("::", ".", "/", ".", ":", ".", "#", ".", ".wasm", "", "()", "").Replace(s)
	nearPlugin, nearExport, _ := strings.Cut(near, ".")
	switch {
	case slices.Contains(builtins(), s):
		return "", "", "", fmt.Errorf("%s names no export; write \"PLUGIN.EXPORT\", or %q for the built-in handler", show(s), "@"+s)
	case IsName(nearPlugin) && isExport(nearExport):
		return "", "", "", fmt.Errorf(`%s is no handler; write %q`, show(s), near)
	case plugin == "" || export == "":
		return "", "", "", fmt.Errorf(`%s is no handler; write "PLUGIN.EXPORT", such as "user.get_user"`, show(s))
	case !IsName(plugin):
		_, err := checkName("plugin", plugin)
		return "", "", "", err
	}
	return "", "", "", fmt.Errorf(`%s: %s is no name of an export; write letters a-z, digits and "_", a letter first`, show(s), show(export))
}
