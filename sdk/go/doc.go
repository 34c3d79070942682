// Package wasmlane is for writing Wasmlane plugins in Go. This is a whole one:
//
//	package main
//
//	import wasmlane "github.com/wasmlane/wasmlane/sdk/go"
//
//	//go:wasmexport greet
//	func greet() { wasmlane.Handle(handleGreet) }
//	func main()  {}
//
//	func handleGreet(w *wasmlane.Response, r *wasmlane.Request) error {
//		visits, err := wasmlane.KV.Add("visits/"+r.Param("name"), 1)
//		if err != nil {
//			return err
//		}
//		return w.JSON(200, map[string]any{"hello": r.Param("name"), "visits": visits})
//	}
//
// It is built with plain Go 1.24 or later,
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o plugins/hello.wasm .
//
// or with TinyGo (-target=wasip1 -buildmode=c-shared), and live once host.toml has
//
//	[plugin.hello]
//	store = "hello"
//
//	[[route]]
//	method  = "GET"
//	path    = "/hello/{name}"
//	handler = "hello.greet"
//
// Package lanetest runs handlers under go test, and package lanehttp makes a plugin
// of a net/http handler.
//
// # Every request starts afresh
//
// The host runs the plugin's initialisation once: package variables and func init,
// which may read [KV] and [Config]. Every request then starts from the memory as
// it was at that moment, and what a request leaves in variables is gone with it.
// So keep state in [KV], take random numbers from [Rand] or crypto/rand, and do in
// func init what would otherwise be done for every request; [PrepareJSON] above
// all. The SDK readies Go's allocator there by itself. Do not call runtime.GC in an
// initialiser: it leaves work that every request would then do.
//
// # Garbage collection
//
// Go collects garbage once a request has allocated about 4 MiB. What a request
// allocates goes back when it ends anyway, so a plugin whose requests need more does
// better without. With memory = "16MiB" in host.toml,
//
//	func init() {
//		debug.SetGCPercent(-1)
//		debug.SetMemoryLimit(12 << 20) // where Go collects after all
//	}
//
// halves the time of a request that allocates 8 MiB, and changes nothing for one
// that allocates little. Leave a quarter of the memory above the limit.
//
// # Grants
//
// The linker keeps only the functions of the host that a plugin reaches. A plugin
// that uses [KV] needs store in host.toml, and one that uses [Call] needs calls or
// outbound; the host refuses to load it otherwise and says which line to add.
//
// # Size
//
// A plugin has 2.4 MB, of which 1.8 are Go's runtime; one that uses fmt and
// encoding/json has 3.2 MB or more, one that uses net/http 5.7 MB or more. The host
// compiles it once and keeps the result; a request costs no more in a large plugin
// than in a small one.
package wasmlane
