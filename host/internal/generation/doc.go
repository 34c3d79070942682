// Package generation is one complete configuration at work: the route table, the
// plugins and their pools, the services.
//
// A generation is immutable. A request acquires the current one at its start and
// releases it at its end. A reload builds the next one beside it, swaps it in
// ([Current.Swap]) and lets the old one go; it is retired when its last request
// has left. A plugin whose bytes and settings did not change is carried over.
package generation
