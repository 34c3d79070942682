// Command nethttp is a net/http program as a plugin: a small notebook behind a
// ServeMux, with a middleware and a template.
package main

import (
	"html/template"
	"io"
	"log"
	"net/http"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
	"github.com/wasmlane/wasmlane/sdk/go/lanehttp"
)

//go:wasmexport serve
func serve() { lanehttp.Handle(handler) }

func main() {}

// handler and page are made once: every request starts from the memory as it is
// after initialisation.
var (
	handler = logged(routes())
	page    = template.Must(template.New("page").Parse(
		"<!DOCTYPE html>\n<title>Notes</title>\n<ul>\n{{range .}}<li><a href=\"/notes/{{.}}\">{{.}}</a></li>\n{{end}}</ul>\n"))
)

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{$}", list)
	mux.HandleFunc("GET /notes/{name}", show)
	mux.HandleFunc("PUT /notes/{name}", save)
	return mux
}

// logged is a middleware like any other. The host's log gets what log writes.
func logged(next http.Handler) http.Handler {
	log.SetFlags(0)
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
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, names); err != nil {
		log.Print(err)
	}
}
