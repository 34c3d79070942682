package toolchain

import (
	"errors"
	"fmt"
	"strings"
)

// Language is one that plugins can be written in.
type Language string

// The languages.
const (
	Go             Language = "go"
	C              Language = "c"
	Rust           Language = "rust"
	AssemblyScript Language = "as"
	Zig            Language = "zig"
)

// Languages returns all of them, in the order in which they are listed.
func Languages() []Language { return []Language{Go, C, Rust, AssemblyScript, Zig} }

// ParseLanguage returns the language with that name, in any case: its flag or what
// people call it.
func ParseLanguage(s string) (Language, error) {
	var flags []string
	for _, l := range Languages() {
		if strings.EqualFold(s, string(l)) || strings.EqualFold(s, l.String()) {
			return l, nil
		}
		flags = append(flags, string(l))
	}
	switch strings.ToLower(s) {
	case "golang":
		return Go, nil
	case "rs":
		return Rust, nil
	case "c++", "cpp", "cc":
		return "", errors.New("there is no SDK for C++; C is -lang c")
	case "js", "javascript", "ts", "typescript":
		return "", fmt.Errorf("there is no SDK for %s; AssemblyScript, which looks like TypeScript, is -lang as", s)
	}
	return "", fmt.Errorf("there is no language %q; write one of %s", s, strings.Join(flags, ", "))
}

// Flag returns what -lang takes.
func (l Language) Flag() string { return string(l) }

// String returns the name that people use.
func (l Language) String() string {
	switch l {
	case Go:
		return "Go"
	case C:
		return "C"
	case Rust:
		return "Rust"
	case AssemblyScript:
		return "AssemblyScript"
	case Zig:
		return "Zig"
	}
	return string(l)
}

// Install says how to get the compiler.
func (l Language) Install() string {
	switch l {
	case Go:
		return "Debian, Ubuntu: apt install golang-go, if that is " + goLeast + " or later; macOS: brew install go; else: https://go.dev/dl"
	case C:
		return "Debian, Ubuntu: apt install clang lld; macOS: brew install llvm lld; else: https://releases.llvm.org"
	case Rust:
		return "Debian, Ubuntu: apt install cargo libstd-rust-dev-wasm32 lld; macOS and else: https://rustup.rs, then rustup target add " + rustTarget
	case AssemblyScript:
		return "Debian, Ubuntu: apt install nodejs npm; macOS: brew install node; else: https://nodejs.org"
	case Zig:
		return "Debian, Ubuntu: python3 -m pip install ziglang, in a virtual environment; macOS: brew install zig; else: https://ziglang.org/download"
	}
	return ""
}
