package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

// The initialiser is left out natively: lanetest has a host for requests only.

func init() {
	wasmlane.Log.Info("conformance: init")
	found["config"] = config("greeting")
	found["absent"] = config("nothing")
	value, err := wasmlane.KV.Get("seed")
	found["get"] = bytesOr(value, err)
	found["set"] = okOr(wasmlane.KV.Set("seed", []byte("changed")))
}
