// Package toolchain builds plugins: it finds out in which language a directory is
// written, finds the compiler for it, and runs it with the flags that make a module
// the host takes. The compilers are what is installed; nothing is downloaded here.
//
// A language is one file. What it decides, from what is in the directory and which
// programs there are, is a plan; running the plan is the same for all of them.
package toolchain
