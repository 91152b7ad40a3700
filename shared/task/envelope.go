package task

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"millrace/shared/task/charset"
	"millrace/shared/value"
)

// Body returns what a service answered as JSON: the text itself when it is JSON, else the text as a
// JSON string; see charset.UTF8 for contentType. An empty text is the empty string. An answer that is not
// taken, as it stands in docs/functions.md ("What an answer may be"), is the error FnF.InvalidLocal.
func Body(contentType string, body []byte) (json.RawMessage, *Error) {
	text, _, isJSON, err := readText(contentType, body)
	switch {
	case err != nil:
		return nil, notAccepted(err)
	case isJSON:
		return text, nil
	}
	return value.AppendString(nil, string(text)), nil
}

// readText reads an answer: its text in UTF-8, and what it decodes to when it is JSON. The error
// says why an answer is not taken, in words that follow "the answer is not taken:".
func readText(contentType string, answer []byte) (text []byte, tree any, isJSON bool, err error) {
	if text, err = charset.UTF8(contentType, answer); err != nil {
		return nil, nil, false, err
	}
	tree, refused := value.Decode(text)
	switch {
	case refused == nil:
		return text, tree, true, nil
	case !utf8.Valid(text):
		return nil, nil, false, charset.NoText(contentType)
	case isJSONBeyond(text, refused):
		return nil, nil, false, fmt.Errorf("it is JSON that the engine does not read: %w", refused)
	}
	return text, nil, false, nil
}

// isJSONBeyond reports whether a text that value.Decode refuses is JSON all the same: too deep, too
// large, with too long a number or with half a surrogate pair. That is no text: its writer
// meant an object, and a flow that looks for its members would not find them.
func isJSONBeyond(text []byte, refused error) bool {
	return errors.Is(refused, value.ErrDepth) || json.Valid(text)
}

// JSONOrText is what a text in UTF-8 decodes to, or the text where it is no JSON. JSON that the
// engine does not read is the error FnF.InvalidLocal.
func JSONOrText(text []byte) (any, *Error) {
	_, tree, isJSON, err := readText("", text)
	switch {
	case err != nil:
		return nil, notAccepted(err)
	case isJSON:
		return tree, nil
	}
	return string(text), nil
}

// notAccepted is the error of an answer that is not taken.
func notAccepted(why error) *Error {
	return NewError(InvalidLocal, "The answer is not taken: "+why.Error()+".")
}

// HTTPResult is the result of an HTTP call or a function in the newer language, text and tree:
// {"Body":…,"Code":…,"Header":{…}}. Values of one header are joined with ","; body is what was
// answered, JSON or not, in the charset of the header Content-Type. A body that is not taken is the
// error FnF.InvalidLocal, as in Body.
func HTTPResult(header map[string][]string, code int, body []byte) Result {
	text, tree, isJSON, err := readText(contentTypeOf(header), body)
	if err != nil {
		return notAccepted(err).Result()
	}
	if !isJSON {
		tree = string(text)
	}
	return envelopeResult(header, code, tree)
}

// Accepted is the result of a call whose body does not count: {"Body":null,"Code":…,"Header":{…}}.
func Accepted(header map[string][]string, code int) Result { return envelopeResult(header, code, nil) }

// Cause is the envelope of an HTTP answer as the text of an error. Where the body is not taken, the
// reason stands for it: what the status says counts all the same.
func Cause(header map[string][]string, code int, body []byte) string {
	answered := HTTPResult(header, code, body)
	if answered.Error != nil {
		answered = envelopeResult(header, code, answered.Error.Cause)
	}
	return string(answered.Output)
}

func envelopeResult(header map[string][]string, code int, body any) Result {
	envelope := map[string]any{"Body": body, "Code": value.FromInt(int64(code)), "Header": headerTree(header)}
	size, err := value.Measure(envelope, math.MaxInt)
	if err != nil { // too deep by one, which whoever reads the text says
		return Result{Output: value.Append(nil, envelope)}
	}
	return Result{Output: value.Append(make([]byte, 0, size), envelope), Tree: envelope}
}

// contentTypeOf is the Content-Type of a header in net/http's form; "" without one.
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

// FlowV1Output is the result of a call in the older language: the answer itself, {} for an empty one and
// for null; see charset.UTF8 for contentType. An answer that is no JSON is the error FnF.InvalidLocal, and
// so is one that is not taken, as in Body.
func FlowV1Output(contentType string, body []byte) (json.RawMessage, *Error) {
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
		return nil, NewError(InvalidLocal, "The result is not JSON ("+err.Error()+"): "+value.Cut(string(trimmed), 200))
	}
	return text, nil
}

// Text is a parameter that is a text on the wire: the content of a JSON string, the JSON text of anything else,
// "" for null and for nothing.
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
