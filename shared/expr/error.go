package expr

import (
	"fmt"

	"millrace/shared/value"
)

// Error says why an expression cannot be parsed or evaluated.
type Error struct {
	Source string // the expression's text
	Offset int    // byte offset in Source; of a parse error only
	Reason string
	Member string // where in a Template the expression stands, like `body.user[0].name`; empty outside
}

// Error gives the member, the reason and the text, the last cut to a length that fits a message.
func (e *Error) Error() string {
	text := e.Reason
	if e.Source != "" {
		text += " in " + value.Quote(e.Source)
	}
	if e.Member != "" {
		return e.Member + ": " + text
	}
	return text
}

// failure is what a node complains about. Only this package makes one, so it cannot be taken for an error of an Env.
type failure string

func (f failure) Error() string { return string(f) }

func failf(format string, args ...any) error { return failure(fmt.Sprintf(format, args...)) }

// kindOf names the kind of a value in a message.
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
