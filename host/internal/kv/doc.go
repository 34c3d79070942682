// Package kv is the store behind a plugin's kv functions: named keyspaces of
// keys and values, in memory, in one file, or on a Redis.
//
// Every backend satisfies [Store] and is held to one suite of cases.
//
// # Durability
//
// [NewMemory] keeps nothing. [OpenEmbedded] answers a write when its transaction
// has been synced to the file; a write that was answered nil survives the end of
// the process and of the machine. [NewRedis] answers a write when the server has;
// whether it survives the server is for the server's settings to say.
//
// # Caveats
//
//   - A write that answers [ErrUnavailable] or a context's error may still have
//     been applied, or be applied a moment later. Only a nil error or a result
//     says what happened.
//   - A read may see a write a moment before it is durable and acknowledged.
//   - On a Redis, what an operation does is done once or not at all, and never sent
//     again by itself. What has no answer is not known, as above.
//   - A file of the embedded store never shrinks. Space that deletes leave is
//     used again by later writes.
//   - The embedded store is for a disk of this machine. It relies on flock and on
//     a shared memory mapping, which network file systems do not do well.
package kv
