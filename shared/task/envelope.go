package task

import (
	"encoding/json"
	"math"
	"strings"

	"millrace/shared/value"
)

// Body returns what a service answered as JSON: the text itself when it is JSON that the engine takes, else the
// text as a JSON string (invalid UTF-8 replaced). An empty text is the empty string.
func Body(text []byte) json.RawMessage {
	if _, err := value.Decode(text); err == nil {
		return text
	}
	return value.AppendString(nil, valid(string(text)))
}

// valid is a text as JSON can hold it.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// Answered is the result of an HTTP call or a function in the newer language, text and tree:
// {"Body":…,"Code":…,"Header":{…}}. Values of one header are joined with ","; body is what was answered, JSON or not.
func Answered(header map[string][]string, code int, body []byte) Result {
	tree, err := value.Decode(body)
	if err != nil {
		tree = valid(string(body))
	}
	envelope := map[string]any{"Body": tree, "Code": value.FromInt(int64(code)), "Header": headerTree(header)}
	size, err := value.Measure(envelope, math.MaxInt)
	if err != nil { // too deep by one, which whoever reads the text says
		return Result{Output: value.Append(nil, envelope)}
	}
	return Result{Output: value.Append(make([]byte, 0, size), envelope), Tree: envelope}
}

func headerTree(header map[string][]string) map[string]any {
	tree := make(map[string]any, len(header))
	for name, values := range header {
		tree[valid(name)] = valid(strings.Join(values, ","))
	}
	return tree
}

// Bare is the result of a call in the older language: the answer itself, {} for an empty one and for null.
// An answer that is no JSON is the error FnF.InvalidLocal.
func Bare(text []byte) (json.RawMessage, *Error) {
	trimmed := strings.TrimSpace(string(text))
	if trimmed == "" || trimmed == "null" {
		return json.RawMessage("{}"), nil
	}
	if _, err := value.Decode(text); err != nil {
		return nil, NewError(InvalidLocal, "The result is not JSON ("+err.Error()+"): "+value.Cut(trimmed, 200))
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
