package route

import (
	"fmt"
	"strings"
)

// method numbers the methods that a route may name, in alphabetical order: the
// order of the Allow header.
type method uint8

const (
	methodDelete method = iota
	methodGet
	methodHead
	methodOptions
	methodPatch
	methodPost
	methodPut
	methodCount
	// methodOther is any other method. Only routes for any method serve it.
	methodOther = methodCount
)

// parseMethod returns methodOther for what is not in the list above. Methods are
// case-sensitive.
func parseMethod(s []byte) method {
	switch string(s) {
	case "DELETE":
		return methodDelete
	case "GET":
		return methodGet
	case "HEAD":
		return methodHead
	case "OPTIONS":
		return methodOptions
	case "PATCH":
		return methodPatch
	case "POST":
		return methodPost
	case "PUT":
		return methodPut
	}
	return methodOther
}

func (m method) String() string {
	switch m {
	case methodDelete:
		return "DELETE"
	case methodGet:
		return "GET"
	case methodHead:
		return "HEAD"
	case methodOptions:
		return "OPTIONS"
	case methodPatch:
		return "PATCH"
	case methodPost:
		return "POST"
	case methodPut:
		return "PUT"
	}
	return "another method"
}

// methodSet has bit m set for each method m in it.
type methodSet uint8

func (s methodSet) has(m method) bool { return s&(1<<m) != 0 }

// parseMethods returns the empty set, which stands for any method, when list is
// empty.
func parseMethods(list []string) (methodSet, error) {
	var set methodSet
	for _, s := range list {
		m := parseMethod([]byte(s))
		if m == methodOther {
			return 0, fmt.Errorf("%q is no method that a route can name; write one of %s", s, allMethods.list())
		}
		set |= 1 << m
	}
	return set, nil
}

const allMethods methodSet = 1<<methodCount - 1

// answerable adds what the host answers by itself: HEAD from GET, and OPTIONS.
func (s methodSet) answerable() methodSet {
	if s.has(methodGet) {
		s |= 1 << methodHead
	}
	return s | 1<<methodOptions
}

// list returns the methods as an Allow header has them.
func (s methodSet) list() string {
	var names []string
	for m := range methodCount {
		if s.has(m) {
			names = append(names, m.String())
		}
	}
	return strings.Join(names, ", ")
}

// allowHeaders returns the Allow header for every possible set, so that
// answering 405 builds no string.
func allowHeaders() *[allMethods + 1]string {
	var all [allMethods + 1]string
	for s := range all {
		all[s] = methodSet(s).list()
	}
	return &all
}
