// Package discovery tells a registry, an agent of Consul, which services a host
// serves and where.
//
// What should be registered is set; a goroutine brings the agent to that, and looks
// again from time to time, because an agent that restarts may have forgotten.
// Nothing waits for the agent but [Registrar.Close], and that as long as it is told
// to. What the agent answers is not trusted: of every answer only the status counts,
// and whether it speaks of the service that was asked for.
package discovery
