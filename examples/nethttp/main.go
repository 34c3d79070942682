// Command nethttp is a net/http program as a plugin: a notebook behind a ServeMux,
// with a middleware.
package main

import (
	"fmt"
	"html"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
)

//go:wasmexport serve
func serve() { lanehttp.Handle(handler) }

func main() {}

// handler is made once: every request starts from the memory as it is after
// initialisation.
var handler = logged(routes())

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{$}", list)
	mux.HandleFunc("GET /notes/{name}", show)
	mux.HandleFunc("PUT /notes/{name}", save)
	return mux
}

// logged is a middleware like any other. What log writes goes to the host's log,
// which has the time.
func logged(next http.Handler) http.Handler {
	log.SetFlags(0)
	log.SetOutput(wasmlane.Log.Writer(wasmlane.LevelInfo))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Printf("%s %s from %s", r.Method, r.URL.Path, r.RemoteAddr)
		next.ServeHTTP(w, r)
	})
}

func show(w http.ResponseWriter, r *http.Request) {
	note, err := wasmlane.KV.Get("note/" + r.PathValue("name"))
	if err != nil {
		http.Error(w, "there is no such note", http.StatusNotFound)
		return
	}
	w.Write(note)
}

func save(w http.ResponseWriter, r *http.Request) {
	note, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1000))
	if err != nil {
		http.Error(w, "a note has at most 1000 bytes", http.StatusRequestEntityTooLarge)
		return
	}
	if err := wasmlane.KV.Set("note/"+r.PathValue("name"), note); err != nil {
		http.Error(w, "the note could not be kept", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func list(w http.ResponseWriter, r *http.Request) {
	var names []string
	for key, err := range wasmlane.KV.List("note/", "") {
		if err != nil {
			http.Error(w, "the notes could not be read", http.StatusServiceUnavailable)
			return
		}
		names = append(names, strings.TrimPrefix(key, "note/"))
	}
	fmt.Fprint(w, "<!DOCTYPE html>\n<title>Notes</title>\n<ul>\n")
	for _, name := range names {
		fmt.Fprintf(w, "<li><a href=\"/notes/%s\">%s</a></li>\n", url.PathEscape(name), html.EscapeString(name))
	}
	fmt.Fprint(w, "</ul>\n")
}
