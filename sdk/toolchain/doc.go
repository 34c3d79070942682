// Package toolchain builds plugins: it finds out in which language a directory is
// written, finds the compiler for it, and runs it with the flags that make a module
// the host takes. "wasmlane build" is [Job.Build] with a command line around it; other
// tools that build plugins, and tests, may call it, too.
//
// # What it promises
//
// The compilers are those that are installed, looked for in PATH, then where
// installers put them and people forget to add to it; of several, the first that can
// make WebAssembly is taken. No compiler is downloaded, nor what is in node_modules;
// cargo, go and zig fetch the dependencies that a plugin's manifest names.
//
// A module is put in place whole or not at all, and beside it nothing is left but
// what the compilers themselves keep in the plugin's directory for the next time:
// target/ of cargo, .zig-cache/ of zig. [Job.Env] can put those elsewhere.
//
// # Errors
//
// A [MissingError] says that a compiler, or a part of one, is not installed, and what
// to install. [ErrCompiler] is a compiler that ran and failed, which has said why to
// Job.Stderr. Any other error is about the directory or the file to write, and says
// what to do.
package toolchain

// A language is one file. What it decides, from what is in the directory and which
// programs there are, is a plan; running the plan is the same for all of them.
