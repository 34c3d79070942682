package main

import (
	"fmt"
	"time"

	"github.com/wasmlane/wasmlane/host"
)

// runHealth lets the program be its own health check: an image FROM scratch has
// no other.
func runHealth(i *invocation) int {
	file := i.configFlag()
	ready := i.flags.Bool("ready", false, "ask whether new requests are welcome, not only whether the process lives")
	insecure := i.flags.Bool("k", false, "take any certificate for an https URL")
	timeout := i.flags.Duration("timeout", 3*time.Second, "how long all of it may take")
	rest, code, ok := i.parse(0, 1)
	if !ok {
		return code
	}
	if *timeout <= 0 {
		return i.misused(fmt.Sprintf("-timeout %s: write a duration above zero, such as 3s", *timeout))
	}
	check := host.HealthCheck{Ready: *ready, Insecure: *insecure, Timeout: *timeout}
	if len(rest) > 0 {
		check.Target = rest[0]
	}
	line, err := host.CheckHealth(*file, check)
	if err != nil {
		return i.failed(err)
	}
	fmt.Fprintln(i.stdout, line)
	return exitOK
}
