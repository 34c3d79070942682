//go:build !race

// Package examples has only tests: the user service answers the same in every
// language, and each language serves what another has stored.
package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasmlane/wasmlane/abi/conformance/suite"
)

// planter is the plugin with which cases look into the store and put things
// there. Any conformance plugin will do.
const planter = "../abi/conformance/guests/go"

// implementations returns the directory of the user service in each language.
func implementations(t *testing.T) map[string]string {
	t.Helper()
	dirs, err := filepath.Glob("*-users")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"go": filepath.FromSlash("../plugins/user")}
	for _, dir := range dirs {
		all[strings.TrimSuffix(dir, "-users")] = dir
	}
	return all
}

// service is a host with the user service at /users, a second one at /other/users
// that has the same data, and the planter at /run.
func service(user, other, guest, cache string) *suite.Setup {
	s := &suite.Setup{
		Plugins: map[string]string{"user": user, "other": other, "guest": guest},
		Cache:   cache,
		Keys: []string{
			`defaults.timeout = "60s"`,
			`plugin.user.store = "users"`, `plugin.other.store = "users"`, `plugin.guest.store = "users"`,
			`plugin.guest.calls = ["nobody"]`, `service.nobody.targets = ["$REFUSED"]`,
		},
		Tables: route("", "/run", "guest.run"),
	}
	for plugin, prefix := range map[string]string{"user": "", "other": "/other"} {
		s.Tables += route("GET", prefix+"/users/{id}", plugin+".get_user") +
			route("GET", prefix+"/users", plugin+".list_users") +
			route("POST", prefix+"/users", plugin+".create_user") +
			route("PUT", prefix+"/users/{id}", plugin+".update_user") +
			route("DELETE", prefix+"/users/{id}", plugin+".delete_user")
	}
	return s
}

func route(method, path, handler string) string {
	text := "[[route]]\npath = \"" + path + "\"\nhandler = \"" + handler + "\"\n"
	if method != "" {
		text += "method = \"" + method + "\"\n"
	}
	return text
}

func TestUsers(t *testing.T) {
	cases, err := suite.Load(os.DirFS("testdata"), "users")
	if err != nil {
		t.Fatal(err)
	}
	shared, err := suite.Load(os.DirFS("testdata"), "shared")
	if err != nil {
		t.Fatal(err)
	}
	all := implementations(t)
	guest := suite.BuildForTest(t, filepath.FromSlash(planter))
	goUsers := suite.BuildForTest(t, all["go"])
	for language, dir := range all {
		t.Run(language, func(t *testing.T) {
			wasm, cache := suite.BuildForTest(t, dir), t.TempDir()
			play(t, service(wasm, wasm, guest, cache), "", cases)
			play(t, service(wasm, goUsers, guest, cache), "beside go ", shared)
			play(t, service(goUsers, wasm, guest, cache), "go beside it ", shared)
		})
	}
}

func play(t *testing.T, s *suite.Setup, prefix string, cases []*suite.Case) {
	for _, c := range cases {
		t.Run(prefix+c.Name, func(t *testing.T) {
			if err := s.Play(c); err != nil {
				t.Error(err)
			}
		})
	}
}
