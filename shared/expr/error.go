package expr

import (
	"fmt"
	"strings"

	"millrace/shared/value"
)

// Error says why an expression cannot be parsed or evaluated.
type Error struct {
	Source string // the expression's text
	Offset int    // byte offset in Source; only for parse errors
	Reason string
	Member string // place of the expression in a Template, like `body.user[0].name`; "" for others
}

// Error returns the member, the reason and the text, which is shortened for a message.
func (e *Error) Error() string {
	text := e.Reason
	if e.Source != "" {
		in := " in "
		if strings.Contains(text, ": ") { // what follows the colon must not run into the source
			in = "; in: "
		}
		text += in + value.Quote(e.Source)
	}
	if e.Member != "" {
		return e.Member + ": " + text
	}
	return text
}

// failure is an error of a node. Only this package creates failures, so they cannot be confused
// with errors of an Env.
type failure string

func (f failure) Error() string { return string(f) }

func failf(format string, args ...any) error { return failure(fmt.Sprintf(format, args...)) }

// kindOf returns the name of a value's kind for messages.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case value.Number:
		return "a number"
	case []any:
		return "an array"
	case map[string]any, Object:
		return "an object"
	case Absent:
		return "nothing"
	}
	return fmt.Sprintf("a %T", v)
}
