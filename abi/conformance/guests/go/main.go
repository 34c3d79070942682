// Command conformance is the conformance plugin in Go: it does what
// abi/conformance/README.md describes, through the public interface of sdk/go.
package main

import (
	"errors"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

//go:wasmexport run
func run() { wasmlane.Handle(runScript) }

func main() {}

// found is what the initialiser found, by the name that the command init has for
// it.
var found = map[string]string{}

func init() {
	wasmlane.Log.Info("conformance: init")
	found["config"] = config("greeting")
	found["absent"] = config("nothing")
	value, err := wasmlane.KV.Get("seed")
	found["get"] = bytesOr(value, err)
	found["set"] = okOr(wasmlane.KV.Set("seed", []byte("changed")))
}

// remembered is the word of the command remember. It is gone with the request.
var remembered string

// script is a script at work.
type script struct {
	w     *wasmlane.Response
	r     *wasmlane.Request
	lines []string
	calls []*wasmlane.CallResponse // by slot
	taken bool                     // Body was called
}

// errEnd ends a script that has answered by itself.
var errEnd = errors.New("the script has answered")

// malformed is the result of a command that is none.
const malformed = "?"

func runScript(w *wasmlane.Response, r *wasmlane.Request) error {
	s := &script{w: w, r: r}
	for _, text := range strings.Split(r.Header("script"), ";") {
		result, err := s.command(strings.Split(text, " "))
		if err == errEnd {
			return nil
		}
		if err != nil {
			return err
		}
		if result != silent {
			s.lines = append(s.lines, result)
		}
	}
	for _, line := range s.lines {
		if _, err := w.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// command carries out a command of one word or more. An error ends the script.
func (s *script) command(words []string) (result string, err error) {
	for i := range words {
		word, ok := decode(words[i])
		if !ok {
			return malformed, nil
		}
		words[i] = word
	}
	name, args := words[0], words[1:]
	c, ok := commands[name]
	if !ok || len(args) < c.words || len(args) > c.words && !c.more {
		return malformed, nil
	}
	return c.do(s, args)
}
