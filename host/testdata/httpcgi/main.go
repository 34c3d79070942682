// Command httpcgi serves an http.Handler as a CGI program, for the tests of WASI
// commands.
package main

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
)

func main() {
	http.HandleFunc("POST /app/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "%s %s %s %s %s", r.PathValue("id"), r.FormValue("a"), r.FormValue("b"), r.Host, r.Header.Get("X-A"))
	})
	if err := cgi.Serve(nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
