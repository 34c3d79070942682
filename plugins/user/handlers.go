package main

import (
	"strconv"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// user is a user as clients see it.
type user struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Email  string `json:"email"`
	Status string `json:"status"`
}

// show returns what clients see of a profile.
func show(id int64, p *profile) user {
	return user{ID: strconv.FormatInt(id, 10), Name: p.Name, Email: p.Email, Status: "active"}
}

func handleGet(w *wasmlane.Response, r *wasmlane.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p, err := find(id)
	if err != nil {
		return err
	}
	return w.JSON(200, show(id, p))
}

func handleCreate(w *wasmlane.Response, r *wasmlane.Request) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	id, p, err := create(in)
	if err != nil {
		return err
	}
	u := show(id, p)
	if err := w.SetHeader("Location", "/users/"+u.ID); err != nil {
		return err
	}
	return w.JSON(201, u)
}

func handleUpdate(w *wasmlane.Response, r *wasmlane.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	in, err := readInput(r)
	if err != nil {
		return err
	}
	p, err := update(id, in)
	if err != nil {
		return err
	}
	return w.JSON(200, show(id, p))
}

func handleDelete(w *wasmlane.Response, r *wasmlane.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := remove(id); err != nil {
		return err
	}
	return w.NoContent()
}

// page is the answer to a list. Next, when there is more, is what to give as
// ?after= for the next page.
type page struct {
	Users []user `json:"users"`
	Next  string `json:"next,omitempty"`
}

func handleList(w *wasmlane.Response, r *wasmlane.Request) error {
	limit, after, err := pageOf(r)
	if err != nil {
		return err
	}
	p := page{Users: []user{}}
	for u, err := range all(after) {
		if err != nil {
			return err
		}
		if len(p.Users) == limit {
			p.Next = p.Users[limit-1].ID
			break
		}
		p.Users = append(p.Users, u)
	}
	return w.JSON(200, p)
}
