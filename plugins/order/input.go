package main

import (
	"strconv"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// Limits of what a client may send.
const (
	maxQuantity = 1000
	maxID       = 64 // characters
	defaultPage = 20
	maxPage     = 100
)

// input is the body of POST /orders.
type input struct {
	UserID    string `json:"user_id"`
	ProductID string `json:"product_id"`
	Quantity  int    `json:"quantity"`
}

func readInput(r *wasmlane.Request) (input, error) {
	var in input
	if err := r.JSON(&in); err != nil {
		return in, err
	}
	for _, id := range []struct{ field, value string }{{"user_id", in.UserID}, {"product_id", in.ProductID}} {
		if id.value == "" {
			return in, wasmlane.Errorf(400, "%q is required", id.field)
		}
		if !validName(id.value) {
			return in, wasmlane.Errorf(400, `%q must be 1 to %d letters, digits, "-", "_" or "."`, id.field, maxID)
		}
	}
	if in.Quantity < 1 || in.Quantity > maxQuantity {
		return in, wasmlane.Errorf(400, `"quantity" must be a number from 1 to %d`, maxQuantity)
	}
	return in, nil
}

// validName reports whether s can be the id of a user or a product. None of the
// characters needs escaping in a path, and none is a separator in a key.
func validName(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return s != "" && s != "." && s != ".." && len(s) <= maxID
}

// parseID reads an order's id in the one form in which it is given out.
func parseID(s string) (int64, bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && id > 0 && strconv.FormatInt(id, 10) == s
}

// pageOf returns what part of a list the client asks for.
func pageOf(r *wasmlane.Request) (limit int, after int64, err error) {
	limit = defaultPage
	if s := r.Query("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxPage {
			return 0, 0, wasmlane.Errorf(400, `"limit" must be a number from 1 to %d`, maxPage)
		}
	}
	if s := r.Query("after"); s != "" {
		var ok bool
		if after, ok = parseID(s); !ok {
			return 0, 0, wasmlane.Error(400, `"after" must be the "next" of the page before`)
		}
	}
	return limit, after, nil
}

func noOrder(id string) error { return wasmlane.Errorf(404, "order %s does not exist", id) }
