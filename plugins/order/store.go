package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// Orders in the store:
//
//	last_id             the last id given out
//	user/{user}/{id}    says that the user has that order; the value is empty
//	order/{id}          the order
//
// The order is written last, and with it the order exists: one that can be read is
// in its user's list. A request that ends before leaves an entry in the list that
// points nowhere, and lists leave it out.

// order is an order, in the store and as clients see it.
type order struct {
	ID        string `json:"id"`
	UserID    string `json:"user_id"`
	ProductID string `json:"product_id"`
	Quantity  int    `json:"quantity"`
	Status    string `json:"status"`
}

func orderKey(id int64) string { return "order/" + pad(id) }

func listKey(user string, id int64) string { return "user/" + user + "/" + pad(id) }

// pad makes the order of keys that of the ids in them.
func pad(id int64) string {
	s := strconv.FormatInt(id, 10)
	return strings.Repeat("0", 19-len(s)) + s
}

// create adds an order.
func create(in input) (*order, error) {
	id, err := wasmlane.KV.Add("last_id", 1)
	if err != nil {
		return nil, err
	}
	o := &order{
		ID:        strconv.FormatInt(id, 10),
		UserID:    in.UserID,
		ProductID: in.ProductID,
		Quantity:  in.Quantity,
		Status:    "created",
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	if err := wasmlane.KV.Set(listKey(in.UserID, id), nil); err != nil {
		return nil, err
	}
	return o, wasmlane.KV.Set(orderKey(id), raw)
}

// find returns the order, or nil when there is none.
func find(id int64) (*order, error) {
	raw, err := wasmlane.KV.Get(orderKey(id))
	if errors.Is(err, wasmlane.ErrAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	o := new(order)
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", orderKey(id), err)
	}
	return o, nil
}

// ordersOf returns the user's orders after the given id, in the order of their
// ids. An error ends the loop.
func ordersOf(user string, after int64) iter.Seq2[order, error] {
	return func(yield func(order, error) bool) {
		prefix, start := "user/"+user+"/", ""
		if after > 0 {
			start = listKey(user, after)
		}
		for key, err := range wasmlane.KV.List(prefix, start) {
			var o *order
			id, _ := strconv.ParseInt(strings.TrimPrefix(key, prefix), 10, 64)
			if err == nil {
				o, err = find(id)
			}
			switch {
			case err != nil:
				yield(order{}, err)
				return
			case o == nil: // not written
			case !yield(*o, nil):
				return
			}
		}
	}
}
