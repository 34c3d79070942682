// Package sdk holds the SDKs that "wasmlane new" copies beside a plugin, so that it
// builds without a network and fits the host that wrote it. The one for Go is a
// module of its own, which the go command fetches.
package sdk

import "embed"

// Files are the sources of the SDKs, under the names of their directories here,
// without their tests.
//
//go:embed assemblyscript/assembly assemblyscript/index.ts assemblyscript/asconfig.json assemblyscript/package.json
//go:embed c/wasmlane.h
//go:embed rust/Cargo.toml rust/src
//go:embed zig/*.zig zig/build.zig.zon
var Files embed.FS
