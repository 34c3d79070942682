// Package lanetest runs a plugin's handlers under go test, natively and without
// WebAssembly: fast, with the race detector, coverage and a debugger.
//
//	func TestGreeting(t *testing.T) {
//		res := lanetest.Get("/hello/Ada").Param("name", "Ada").Do(t, hello)
//		if res.Status != 200 || res.Text() != "Hello, Ada!\n" {
//			t.Errorf("got %d %s", res.Status, res.Text())
//		}
//	}
//
// hello is the exported function itself. A handler that uses the store, config or
// other services runs in an [Env], which has them in memory and keeps the log.
// Names, limits and error codes are those of the plugin ABI. What differs:
//
//   - There is no route table: [Request.Param] gives what the route would.
//   - There are no deadlines, grants and memory limits. Env.OnKV and
//     Env.FailService make the store and the services fail.
//   - The plugin's variables live as long as the test process. In the host each
//     request finds them as they were after initialisation.
//   - While packages are initialised, config and store are empty and log messages go
//     to stderr: no Env is there yet.
//   - What ends a request in the host, such as a status outside 200 to 599 or a
//     panic, is a panic of Do.
//
// One handler runs at a time in the process: parallel tests are safe and take
// turns. A stub service or an OnKV function may run another handler with Do while
// the first one waits for it. Goroutines that a handler starts must end before
// it returns, and a stub must call Do on the goroutine it was called on.
package lanetest
