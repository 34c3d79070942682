package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	wasmlane "github.com/wasmlane/wasmlane/sdk/go"
)

// Limits of what a client may send.
const (
	maxName      = 200 // characters
	maxEmail     = 254 // bytes, as mail servers have it
	maxLocalPart = 64  // bytes before the "@"
	defaultPage  = 20
	maxPage      = 100
)

// input is the body of POST and PUT.
type input struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// readInput decodes and checks a body. The email is in the one form in which
// addresses are compared.
func readInput(r *wasmlane.Request) (input, error) {
	var in input
	if err := r.JSON(&in); err != nil {
		return in, err
	}
	in.Name = strings.TrimSpace(in.Name)
	switch {
	case in.Name == "":
		return in, wasmlane.Error(400, `"name" is required`)
	case utf8.RuneCountInString(in.Name) > maxName:
		return in, wasmlane.Errorf(400, `"name" has more than %d characters`, maxName)
	case strings.ContainsFunc(in.Name, unicode.IsControl):
		return in, wasmlane.Error(400, `"name" has control characters`)
	}
	in.Email = strings.ToLower(strings.TrimSpace(in.Email))
	if in.Email == "" {
		return in, wasmlane.Error(400, `"email" is required`)
	}
	if !validEmail(in.Email) {
		return in, wasmlane.Error(400, `"email" is no email address; write one such as "ada@example.com"`)
	}
	return in, nil
}

// validEmail checks the form local@domain. Whether there is such a mailbox only a
// message to it can tell.
func validEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > maxLocalPart || len(s) > maxEmail {
		return false
	}
	for _, c := range local {
		if unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune(`@"(),:;<>[\]`, c) {
			return false
		}
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if !validLabel(label) {
			return false
		}
	}
	return len(labels) > 1
}

// validLabel checks one part of a domain's name.
func validLabel(s string) bool {
	for _, c := range s {
		if c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-'
}

// pathID returns the {id} of the route. One that no user can have is answered as
// one that no user has.
func pathID(r *wasmlane.Request) (int64, error) {
	s := r.Param("id")
	id, ok := parseID(s)
	if !ok {
		return 0, noUser(s)
	}
	return id, nil
}

// parseID reads an id in the one form in which it is given out.
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

func noUser(id string) error { return wasmlane.Errorf(404, "user %s does not exist", id) }
