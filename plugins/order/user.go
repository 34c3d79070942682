package main

import (
	"errors"
	"fmt"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// userAnswer is what is read of the user service's answer.
type userAnswer struct {
	ID string `json:"id"`
}

// checkUser asks the service "user" whether there is a user of that id. It tells
// the client's mistake (400) from a service that cannot be asked (502, 503, 504).
func checkUser(id string) error {
	res, err := wasmlane.Call("user", &wasmlane.CallRequest{Path: "/users/" + id})
	switch {
	case errors.Is(err, wasmlane.ErrTimeout):
		return &wasmlane.HTTPError{Status: 504, Message: "the user service did not answer in time", Err: err}
	case err != nil:
		return &wasmlane.HTTPError{Status: 502, Message: "the user service cannot be asked", Err: err}
	}
	defer res.Close()
	switch res.Status {
	case 200:
	case 404:
		return wasmlane.Errorf(400, "user %s does not exist", id)
	case 503:
		return &wasmlane.HTTPError{Status: 503, Message: "the user service is unavailable", Err: errors.New("it answered 503")}
	case 504:
		return &wasmlane.HTTPError{Status: 504, Message: "the user service did not answer in time", Err: errors.New("it answered 504")}
	default:
		return &wasmlane.HTTPError{Status: 502, Message: "the user service failed", Err: fmt.Errorf("it answered %d", res.Status)}
	}
	var user userAnswer
	if err = res.JSON(&user); err == nil && user.ID != id {
		err = fmt.Errorf("asked for user %s, it answered with user %q", id, user.ID)
	}
	if err != nil {
		return &wasmlane.HTTPError{Status: 502, Message: "the user service's answer was not understood", Err: err}
	}
	return nil
}
