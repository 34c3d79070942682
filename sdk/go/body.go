package wasmlane

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// BodySize returns the Content-Length, 0 when there is no body, and -1 when its
// length is not known beforehand.
func (r *Request) BodySize() int64 { return hostBodySize() }

// Body returns the whole body, or what [Request.Read] has left of it. Later calls
// return the same slice.
func (r *Request) Body() ([]byte, error) {
	if r.read {
		return r.body, nil
	}
	size := hostBodySize()
	if size > 0 {
		size -= r.consumed
	}
	body, code := readAll(size, hostBody)
	if err := check("body", "", code); err != nil {
		return nil, err
	}
	r.body, r.read = body, true
	return body, nil
}

// Read reads on in the body, for a handler that does not want all of it in
// memory. After [Request.Body] it finds the end.
func (r *Request) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := hostBody(pointer(p))
	r.consumed += int64(max(n, 0))
	return readResult("body", "", n)
}

// JSON decodes the body into the value that v points to. It accepts one JSON
// value and nothing after it, and an object's keys must be fields of v. What is
// wrong with the body comes back as an [HTTPError] with status 400 and a message
// for the client: return it as it is.
func (r *Request) JSON(v any) error {
	body, err := r.Body()
	if err != nil {
		return err
	}
	return decodeJSON(body, v)
}

func decodeJSON(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return jsonError(err)
	}
	end := decoder.InputOffset()
	if _, err := decoder.Token(); err != io.EOF {
		return Error(400, "the body must be one JSON value, and there is more after byte "+strconv.FormatInt(end, 10))
	}
	return nil
}

// PrepareJSON readies encoding/json for the types of values. Call it while the
// plugin initialises, from func init, with a value of each type that goes through
// [Request.JSON], [Response.JSON] or encoding/json:
//
//	func init() { wasmlane.PrepareJSON(user{}, page{}) }
//
// encoding/json looks into a type once and remembers what it found. Every request
// starts from the memory as it was after initialisation, so that without this each
// one would look again: a quarter of a millisecond for a few small types. And for
// types of structs, slices, pointers and simple values [Response.JSON] writes the
// same text by a plan made here, in half the time.
func PrepareJSON(values ...any) {
	for _, v := range values {
		if v == nil {
			continue
		}
		// The result does not matter: a type that cannot be encoded says so where it
		// is used.
		text, _ := json.Marshal(v)
		_ = decodeJSON(text, reflect.New(reflect.TypeOf(v)).Interface())
		addPlan(v)
	}
}

// jsonError says to a client what encoding/json found.
func jsonError(err error) error {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
		target *json.InvalidUnmarshalError
	)
	switch {
	case errors.As(err, &target):
		return err // the plugin's fault: v is no pointer
	case err == io.EOF:
		return Error(400, "the body is empty; it must be JSON")
	case err == io.ErrUnexpectedEOF:
		return Error(400, "the body is not valid JSON: it ends too early")
	case errors.As(err, &syntax):
		return Error(400, "the body is not valid JSON at byte "+strconv.FormatInt(syntax.Offset, 10)+": "+syntax.Error())
	case errors.As(err, &kind):
		return Error(400, typeMessage(kind))
	}
	return Error(400, "the body does not fit: "+strings.TrimPrefix(err.Error(), "json: "))
}

// typeMessage says what a value should have been and what it is, in the words of
// JSON.
func typeMessage(e *json.UnmarshalTypeError) string {
	what := "the body"
	if e.Field != "" {
		what = string(appendQuoted(nil, e.Field))
	}
	is, isNumber := strings.CutPrefix(e.Value, "number ") // "number 1.5"
	expected := "an object"
	switch k := e.Type.Kind(); {
	case k == reflect.String:
		expected = "a string"
	case k == reflect.Bool:
		expected = "true or false"
	case k >= reflect.Int && k <= reflect.Float64:
		if isNumber && (k >= reflect.Float32 || strings.Trim(is, "-0123456789") == "") {
			return what + " is out of range: " + is
		}
		expected = "a number"
		if k < reflect.Float32 {
			expected = "a whole number"
		}
	case k == reflect.Slice || k == reflect.Array:
		expected = "an array"
	}
	switch is {
	case "string", "number":
		is = "a " + is
	case "object", "array":
		is = "an " + is
	case "bool":
		is = "true or false"
	}
	return what + " must be " + expected + ", not " + is
}

// readResult turns what the host's body functions return into what io.Reader
// promises.
func readResult(function, argument string, n int32) (int, error) {
	if n == 0 {
		return 0, io.EOF
	}
	if err := check(function, argument, n); err != nil {
		return 0, err
	}
	return int(n), nil
}
