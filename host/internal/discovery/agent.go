package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Agent is an agent of Consul.
type Agent struct {
	Origin string // "http://127.0.0.1:8500"; "": none
	Token  string // of its ACL; "": none
}

// Service is one registration. Two of the same ID are the same.
type Service struct {
	ID      string
	Name    string
	Address string // "": that of the agent
	Port    int
	Tags    []string
	Check   Check
}

// Check is how the agent finds out whether the service is well.
type Check struct {
	URL      string // a GET there is answered 2xx
	Interval time.Duration
}

// Request is what a [Client] sends.
type Request struct {
	Method, Target string // the path and query
	Token          string // for X-Consul-Token; "": none
	Body           []byte // JSON, or none
}

// Client sends a request to an origin and returns the answer, which it bounds in
// size.
type Client interface {
	Do(ctx context.Context, origin string, r Request) (status int, body []byte, err error)
}

// Bounds on what the agent is asked for and takes.
const (
	callWithin      = 5 * time.Second // one request to the agent
	checkWithin     = 5 * time.Second // one check of the agent's
	leastDeregister = 5 * time.Minute // how long a service may be critical before it is dropped
	maxQuoted       = 200             // bytes of an answer in an error
)

// errAnswer is about an answer that is none of an agent's.
var errAnswer = errors.New("the answer is none of Consul's")

// statusError is an answer that refuses.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string {
	if e.text == "" {
		return fmt.Sprintf("it answered %d", e.status)
	}
	return fmt.Sprintf("it answered %d: %q", e.status, e.text)
}

// register makes the service known, in place of one of the same ID.
func (a Agent) register(ctx context.Context, c Client, s Service) error {
	type check struct {
		Name                           string
		HTTP                           string
		Method                         string
		Interval, Timeout              string
		DeregisterCriticalServiceAfter string
		TLSSkipVerify                  bool
	}
	document, err := json.Marshal(struct {
		ID, Name string
		Address  string `json:",omitempty"`
		Port     int
		Tags     []string `json:",omitempty"`
		Check    check
	}{s.ID, s.Name, s.Address, s.Port, s.Tags, check{
		Name: s.Name + " is ready", HTTP: s.Check.URL, Method: "GET",
		Interval: s.Check.Interval.String(), Timeout: min(s.Check.Interval, checkWithin).String(),
		DeregisterCriticalServiceAfter: max(leastDeregister, 3*s.Check.Interval).String(),
		TLSSkipVerify:                  true, // it goes to an address, and a certificate is for a name
	}})
	if err != nil {
		return err
	}
	_, err = a.do(ctx, c, "PUT", "/v1/agent/service/register?replace-existing-checks=true", document)
	return err
}

// deregister makes the service unknown. That it is already is no error.
func (a Agent) deregister(ctx context.Context, c Client, id string) error {
	_, err := a.do(ctx, c, "PUT", "/v1/agent/service/deregister/"+url.PathEscape(id), nil)
	var refused *statusError
	if errors.As(err, &refused) && refused.status == 404 {
		return nil
	}
	return err
}

// knows reports whether the service is registered.
func (a Agent) knows(ctx context.Context, c Client, id string) (bool, error) {
	body, err := a.do(ctx, c, "GET", "/v1/agent/service/"+url.PathEscape(id), nil)
	var refused *statusError
	if errors.As(err, &refused) && refused.status == 404 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var document struct{ ID string }
	if json.Unmarshal(body, &document) != nil || document.ID != id {
		return false, errAnswer
	}
	return true, nil
}

func (a Agent) do(ctx context.Context, c Client, method, target string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	status, answer, err := c.Do(ctx, a.Origin, Request{method, target, a.Token, body})
	if err != nil {
		return nil, err
	}
	if status != 200 {
		return nil, &statusError{status, a.quote(answer)}
	}
	return answer, nil
}

// quote returns the begin of an answer, which says why it refuses, without the
// token in it.
func (a Agent) quote(answer []byte) string {
	text := string(answer)
	if a.Token != "" {
		text = strings.ReplaceAll(text, a.Token, "(hidden)")
	}
	text = strings.TrimSpace(text[:min(len(text), maxQuoted)])
	return strings.ToValidUTF8(text, "?")
}
