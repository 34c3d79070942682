// Package upstream calls the services that other hosts serve: it finds their
// targets, chooses one for each call, leaves out those that fail, and tries again
// where that is safe. docs/services.md describes it for the operator.
//
// # Caveats
//
// A [Target] is shared by all generations that name it in a service of the same
// name, so that a reload forgets neither what is outstanding nor who is ejected. A
// [Service] is shared by those whose settings are equal. Both live as long as
// somebody holds them.
//
// A request is sent to a second target only when no connection to the first was
// made, or when its method is idempotent. Below that, package call sends an
// idempotent request again to the same target when a connection that had been idle
// turns out to have ended; that is the same try here.
package upstream
