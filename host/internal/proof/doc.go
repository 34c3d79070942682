// Package proof has a test only: several hosts on their own addresses, with a
// Redis behind them, go through what happens to machines while orders come in.
//
// Each machine is a network namespace of Linux with one link to a bridge, which
// stands in a namespace too, so that no address here can meet one of the machine
// that runs the test:
//
//	user-1   10.0.0.11   wasmlane, plugin user    testdata/user.toml
//	user-2   10.0.0.12   wasmlane, plugin user    testdata/user.toml
//	order    10.0.0.21   wasmlane, plugin order   testdata/order.toml
//	redis    10.0.0.31   redis-server             testdata/redis.conf
//	names    10.0.0.53   a name server, of the test
//	client   10.0.0.99   the load, of the test
//
// docs/several-hosts.md is the guide to such a setup, and shows these very files.
//
// The test needs root, iproute2 and redis-server. Each phase of it lasts a second;
// for more of it, and the table of what was measured:
//
//	go test ./host/internal/proof -v -duration 60s -clients 64 -pause 0s
package proof
