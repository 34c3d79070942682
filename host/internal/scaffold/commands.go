package scaffold

import "github.com/wasmlane/wasmlane/sdk/toolchain"

// command returns what "wasmlane build" runs, for a README.
func command(l toolchain.Language, name string) string {
	switch l {
	case toolchain.Go:
		return `GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags="-s -w" -o ` + name + `.wasm .`
	case toolchain.C:
		return `clang --target=wasm32 -std=c11 -O2 -nostdlib -ffreestanding -mbulk-memory -Iwasmlane \
  -Wl,--no-entry -Wl,--strip-all -o ` + name + `.wasm *.c`
	case toolchain.Rust:
		return `cargo build --release --target wasm32-unknown-unknown`
	case toolchain.AssemblyScript:
		return `npm run build`
	case toolchain.Zig:
		return `zig build --prefix .`
	}
	return ""
}
