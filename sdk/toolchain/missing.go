package toolchain

// MissingError is the error of a compiler that is not installed, or not all of it: its
// linker, or its library for WebAssembly. errors.As finds it in what Build returns.
type MissingError struct {
	Language Language
	Problem  string // what is missing, and where it was looked for
	Install  string // how to get it, in one line
}

func (e *MissingError) Error() string { return e.Problem + "\n" + e.Install }

// missing is the error for a language whose compiler is not there.
func (l Language) missing(problem string) error {
	return &MissingError{l, problem, l.Install()}
}
