package task

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"millrace/shared/charset"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// Body returns a service's response as JSON: the text itself if it is JSON, else the text as a JSON
// string. charset.UTF8 says how contentType is used. An empty text is the empty string. If the
// response is not accepted (docs/functions.md, "What an answer may be"), the error is
// FnF.InvalidLocal.
func Body(contentType string, body []byte) (json.RawMessage, *flow.Error) {
	text, _, isJSON, err := readText(contentType, body)
	switch {
	case err != nil:
		return nil, notAccepted(err)
	case isJSON:
		return text, nil
	}
	return value.AppendString(nil, string(text)), nil
}

// readText reads a response body: its text in UTF-8, and the decoded value if it is JSON. The error
// says why the response is not accepted, in words that follow "The response is not accepted:".
func readText(contentType string, body []byte) (text []byte, tree any, isJSON bool, err error) {
	if text, err = charset.UTF8(contentType, body); err != nil {
		return nil, nil, false, err
	}
	tree, rejected := value.Decode(text)
	switch {
	case rejected == nil:
		return text, tree, true, nil
	case !utf8.Valid(text):
		return nil, nil, false, charset.NoText(contentType)
	case isJSONBeyond(text, rejected):
		return nil, nil, false, fmt.Errorf("it is JSON that the engine does not read: %w",
			rejected)
	}
	return text, nil, false, nil
}

// isJSONBeyond reports whether a text that value.Decode rejects is JSON nevertheless: too deep, too
// large, with too long a number or with half a surrogate pair. Such a body must not count as text:
// its writer meant an object, and a flow that reads its members would not find them.
func isJSONBeyond(text []byte, rejected error) bool {
	return errors.Is(rejected, value.ErrDepth) || json.Valid(text)
}

// JSONOrText returns the decoded value of a text in UTF-8, or the text itself if it is no JSON.
// JSON that the engine does not read is the error FnF.InvalidLocal.
func JSONOrText(text []byte) (any, *flow.Error) {
	_, tree, isJSON, err := readText("", text)
	switch {
	case err != nil:
		return nil, notAccepted(err)
	case isJSON:
		return tree, nil
	}
	return string(text), nil
}

// notAccepted returns the error for a response that the engine does not accept.
func notAccepted(why error) *flow.Error {
	return NewError(flow.ErrInvalidLocal, "The response is not accepted: "+why.Error()+".")
}

// HTTPResult returns the result of an HTTP call or a function in StateMachine, as text and tree:
// {"Body":…,"Code":…,"Header":{…}}. Values of one header are joined with ",". body is the response,
// JSON or not, in the charset of the header Content-Type. If the body is not accepted, the result
// is the error FnF.InvalidLocal, as in Body.
func HTTPResult(header map[string][]string, code int, body []byte) Result {
	text, tree, isJSON, err := readText(contentTypeOf(header), body)
	if err != nil {
		return Failed(notAccepted(err))
	}
	if !isJSON {
		tree = string(text)
	}
	return envelopeResult(header, code, tree)
}

// Accepted returns the result of a call whose response body does not count:
// {"Body":null,"Code":…,"Header":{…}}.
func Accepted(header map[string][]string, code int) Result {
	return envelopeResult(header, code, nil)
}

// Cause returns the envelope of an HTTP response as the text of an error. If the body is not
// accepted, Body is the reason, because the status counts nevertheless.
func Cause(header map[string][]string, code int, body []byte) string {
	result := HTTPResult(header, code, body)
	if result.Error != nil {
		result = envelopeResult(header, code, result.Error.Cause)
	}
	return string(result.Output)
}

func envelopeResult(header map[string][]string, code int, body any) Result {
	envelope := map[string]any{
		"Body": body, "Code": value.FromInt(int64(code)), "Header": headerTree(header),
	}
	size, err := value.Measure(envelope, math.MaxInt)
	if err != nil { // the envelope is one level too deep; the reader of Output reports that
		return Result{Output: value.Append(nil, envelope)}
	}
	return Result{Output: value.Append(make([]byte, 0, size), envelope), Tree: envelope}
}

// contentTypeOf returns the Content-Type in a header in net/http's form, "" if there is none.
func contentTypeOf(header map[string][]string) string {
	if kind := header["Content-Type"]; len(kind) > 0 {
		return kind[0]
	}
	return ""
}

func headerTree(header map[string][]string) map[string]any {
	tree := make(map[string]any, len(header))
	for name, values := range header {
		tree[charset.Header(name)] = charset.Header(strings.Join(values, ","))
	}
	return tree
}

// JSONBody returns a response that must be JSON: the body itself, or {} if it is empty or null.
// charset.UTF8 says how contentType is used. If the body is no JSON or is not accepted (see Body),
// the error is FnF.InvalidLocal.
func JSONBody(contentType string, body []byte) (json.RawMessage, *flow.Error) {
	text, _, isJSON, err := readText(contentType, body)
	if err != nil {
		return nil, notAccepted(err)
	}
	trimmed := bytes.TrimSpace(text)
	switch {
	case len(trimmed) == 0 || string(trimmed) == "null":
		return json.RawMessage("{}"), nil
	case !isJSON:
		_, err := value.Decode(text)
		return nil, NewError(flow.ErrInvalidLocal,
			"The result is not JSON ("+err.Error()+"): "+value.Cut(string(trimmed), 200))
	}
	return text, nil
}

// Text returns a parameter whose value on the wire is a text: the content of a JSON string, the
// JSON text of any other value, "" for null and for an absent one.
func Text(raw json.RawMessage) string {
	trimmed := strings.TrimSpace(string(raw))
	if trimmed == "" || trimmed == "null" {
		return ""
	}
	if trimmed[0] == '"' {
		var s string
		if value.Unmarshal(raw, &s) == nil {
			return s
		}
	}
	return trimmed
}
