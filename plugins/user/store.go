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

// Users in the store, and how two of them never share an email address although
// each write stands for itself and a request may end between any two.
//
//	last_id           the last id given out
//	last_claim        the last claim given out by an update
//	user/{id}         a record: what the user is now, and what it wants to be
//	email/{address}   the claim on an address: "{id}:{claim}"
//
// A create or an update that needs an address takes three steps:
//
//  1. The record gets its wish, with a claim that nobody has had: {now, next}.
//  2. The claim is put under email/{address}. This decides between those who want
//     the same address.
//  3. The wish becomes the user: {now: next}.
//
// A claim is live while its user has it as now or next. Whoever finds a live
// claim of a wish first does step 3 for its owner. A claim that is not live never
// becomes live again, so it can be replaced by compare-and-swap. That is also how
// addresses become free: nobody deletes a claim, because it may be somebody else's
// by then.
//
// Ended after step 1, a create leaves a record without now, which nobody sees, and
// an update a wish that the next update replaces. Ended after step 2, the change is
// completed when the address is asked for next, and dropped by the next update of
// the user. No address is locked for good.

// profile is what a user is.
type profile struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Claim int64  `json:"claim"` // with the id, what holds Email; 0 when created with it
}

// record is a user in the store.
type record struct {
	Now  *profile `json:"now,omitempty"`  // nil until the user is created
	Next *profile `json:"next,omitempty"` // a change that is not complete
}

// entry is a record as it was read or written last, so that a change can see
// whether it is still the same.
type entry struct {
	key string
	raw []byte
	record
}

// attempts is how often a change starts again because another one came between.
const attempts = 16

var errBusy = &wasmlane.HTTPError{Status: 503, Message: "too many changes at the same time; try again"}

// userKey pads the id, so that the order of the keys is that of the ids.
func userKey(id int64) string {
	s := strconv.FormatInt(id, 10)
	return "user/" + strings.Repeat("0", 19-len(s)) + s
}

// read returns the user's entry, or nil when there is none.
func read(id int64) (*entry, error) {
	e := &entry{key: userKey(id)}
	var err error
	if e.raw, err = wasmlane.KV.Get(e.key); err != nil {
		if errors.Is(err, wasmlane.ErrAbsent) {
			return nil, nil
		}
		return nil, err
	}
	if err := json.Unmarshal(e.raw, &e.record); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", e.key, err)
	}
	return e, nil
}

// swap changes the record unless it is another one by now.
func (e *entry) swap(to record) (bool, error) {
	raw, err := json.Marshal(to)
	if err != nil {
		return false, err
	}
	swapped, err := wasmlane.KV.CompareAndSwap(e.key, e.raw, raw)
	if swapped {
		e.raw, e.record = raw, to
	}
	return swapped, err
}

// find returns the user.
func find(id int64) (*profile, error) {
	e, err := read(id)
	if err != nil {
		return nil, err
	}
	if e == nil || e.Now == nil {
		return nil, noUser(strconv.FormatInt(id, 10))
	}
	return e.Now, nil
}

// all returns the users after the given id, in the order of their ids. An error
// ends the loop.
func all(after int64) iter.Seq2[user, error] {
	return func(yield func(user, error) bool) {
		start := ""
		if after > 0 {
			start = userKey(after)
		}
		for key, err := range wasmlane.KV.List("user/", start) {
			var e *entry
			id, _ := strconv.ParseInt(strings.TrimPrefix(key, "user/"), 10, 64)
			if err == nil {
				e, err = read(id)
			}
			switch {
			case err != nil:
				yield(user{}, err)
				return
			case e == nil || e.Now == nil: // deleted since, or not created yet
			case !yield(show(id, e.Now), nil):
				return
			}
		}
	}
}

// create adds a user.
func create(in input) (int64, *profile, error) {
	id, err := wasmlane.KV.Add("last_id", 1)
	if err != nil {
		return 0, nil, err
	}
	wish := &profile{Name: in.Name, Email: in.Email}
	raw, err := json.Marshal(record{Next: wish})
	if err != nil {
		return 0, nil, err
	}
	e := &entry{key: userKey(id), raw: raw}
	if err := wasmlane.KV.Set(e.key, raw); err != nil {
		return 0, nil, err
	}
	holder, err := claim(in.Email, id, wish.Claim)
	if err != nil {
		return 0, nil, err
	}
	if holder != id {
		if _, err := wasmlane.KV.Delete(e.key); err != nil {
			wasmlane.Log.Warnf("%s stays as an unused record: %v", e.key, err)
		}
		return 0, nil, taken(in.Email)
	}
	// When this fails to swap, another request has done it for us.
	_, err = e.swap(record{Now: wish})
	return id, wish, err
}

// update changes a user.
func update(id int64, in input) (*profile, error) {
	for range attempts {
		e, err := read(id)
		if err != nil {
			return nil, err
		}
		if e == nil || e.Now == nil {
			return nil, noUser(strconv.FormatInt(id, 10))
		}
		wish := &profile{Name: in.Name, Email: in.Email, Claim: e.Now.Claim}
		if wish.Email == e.Now.Email {
			if swapped, err := e.swap(record{Now: wish}); swapped || err != nil {
				return wish, err
			}
			continue
		}
		if wish.Claim, err = wasmlane.KV.Add("last_claim", 1); err != nil {
			return nil, err
		}
		swapped, err := e.swap(record{Now: e.Now, Next: wish})
		if err != nil {
			return nil, err
		}
		if swapped {
			return wish, e.move(id, wish)
		}
	}
	return nil, errBusy
}

// move does steps 2 and 3 for an update whose wish is in the record.
func (e *entry) move(id int64, wish *profile) error {
	holder, err := claim(wish.Email, id, wish.Claim)
	if err != nil {
		return err
	}
	if holder != id {
		if _, err := e.swap(record{Now: e.Now}); err != nil {
			wasmlane.Log.Warnf("%s keeps an unused wish: %v", e.key, err)
		}
		return taken(wish.Email)
	}
	swapped, err := e.swap(record{Now: wish})
	if swapped || err != nil {
		return err
	}
	// Another request has completed the change, or replaced it, or deleted the user.
	now, err := find(id)
	if err == nil && now.Claim != wish.Claim {
		err = wasmlane.Errorf(409, "user %d was changed at the same time; try again", id)
	}
	return err
}

// remove deletes a user. With its record gone its claim is no longer live.
func remove(id int64) error {
	if _, err := find(id); err != nil {
		return err
	}
	existed, err := wasmlane.KV.Delete(userKey(id))
	if err == nil && !existed {
		err = noUser(strconv.FormatInt(id, 10))
	}
	return err
}

// claim puts the user's claim on an address, unless somebody's live claim is
// there. It returns the id of the user who holds the address afterwards.
func claim(email string, id, number int64) (holder int64, err error) {
	key := "email/" + email
	mine := fmt.Appendf(nil, "%d:%d", id, number)
	for range attempts {
		if created, err := wasmlane.KV.Create(key, mine); created || err != nil {
			return id, err
		}
		there, err := wasmlane.KV.Get(key)
		if err != nil {
			return 0, err
		}
		user, number, _ := strings.Cut(string(there), ":")
		holder, userErr := strconv.ParseInt(user, 10, 64)
		held, numberErr := strconv.ParseInt(number, 10, 64)
		if userErr != nil || numberErr != nil {
			return 0, fmt.Errorf("%s is damaged: %q", key, there)
		}
		live, err := settle(email, holder, held)
		if live || err != nil {
			return holder, err
		}
		if swapped, err := wasmlane.KV.CompareAndSwap(key, there, mine); swapped || err != nil {
			return id, err
		}
	}
	return 0, errBusy
}

// settle reports whether a claim on an address is live. If it belongs to a wish,
// the wish becomes the user.
func settle(email string, id, number int64) (live bool, err error) {
	holds := func(p *profile) bool { return p != nil && p.Email == email && p.Claim == number }
	for range attempts {
		e, err := read(id)
		switch {
		case err != nil || e == nil:
			return false, err
		case holds(e.Now):
			return true, nil
		case !holds(e.Next):
			return false, nil
		}
		if swapped, err := e.swap(record{Now: e.Next}); swapped || err != nil {
			return swapped, err
		}
	}
	return false, errBusy
}

func taken(email string) error {
	return wasmlane.Errorf(409, "another user has the email %s", email)
}
