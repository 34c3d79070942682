package main

import wasmlane "github.com/wasmlane/wasmlane/sdk/go"

func handleCreate(w *wasmlane.Response, r *wasmlane.Request) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	if err := checkUser(in.UserID); err != nil {
		return err
	}
	o, err := create(in)
	if err != nil {
		return err
	}
	if err := w.SetHeader("Location", "/orders/"+o.ID); err != nil {
		return err
	}
	return w.JSON(201, o)
}

func handleGet(w *wasmlane.Response, r *wasmlane.Request) error {
	s := r.Param("id")
	id, ok := parseID(s)
	if !ok {
		return noOrder(s)
	}
	o, err := find(id)
	if err != nil {
		return err
	}
	if o == nil {
		return noOrder(s)
	}
	return w.JSON(200, o)
}

// page is the answer to a list. Next, when there is more, is what to give as
// ?after= for the next page.
type page struct {
	Orders []order `json:"orders"`
	Next   string  `json:"next,omitempty"`
}

// handleList does not ask whether the user exists: one who does not has no
// orders.
func handleList(w *wasmlane.Response, r *wasmlane.Request) error {
	user := r.Param("id")
	if !validName(user) {
		return wasmlane.Error(400, "the user's id must be 1 to 64 letters, digits, \"-\", \"_\" or \".\"")
	}
	limit, after, err := pageOf(r)
	if err != nil {
		return err
	}
	p := page{Orders: []order{}}
	for o, err := range ordersOf(user, after) {
		if err != nil {
			return err
		}
		if len(p.Orders) == limit {
			p.Next = p.Orders[limit-1].ID
			break
		}
		p.Orders = append(p.Orders, o)
	}
	return w.JSON(200, p)
}
