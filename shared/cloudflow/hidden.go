package cloudflow

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"millrace/shared/fault"
	"millrace/shared/value"
)

// Hidden says what a response does not show its caller of the payloads of an execution or schedule.
// A field is nil if it is shown, or empty anyway.
type Hidden struct {
	Input        *Shape `json:",omitempty"`
	Output       *Shape `json:",omitempty"`
	ErrorMessage *Shape `json:",omitempty"` // the cause of an error
	Payload      *Shape `json:",omitempty"` // of a schedule
	// Paths are those hidden paths of the flow that hide something of what is shown.
	Paths []string `json:",omitempty"`
}

// orNil returns nil if nothing is hidden.
func (h *Hidden) orNil() *Hidden {
	if h.Input == nil && h.Output == nil && h.ErrorMessage == nil && h.Payload == nil &&
		h.Paths == nil {
		return nil
	}
	return h
}

// Shape is what is shown of a hidden JSON value or text.
type Shape struct {
	Type    string // "object", "array", "string", "number", "boolean" or "null"
	Members int    // of an object or array, without those within them; else 0
	Bytes   int    // of the text
}

// String describes the shape where the value would stand: "(hidden: object of 3, 120 bytes)".
func (s Shape) String() string {
	if s.Type == "object" || s.Type == "array" {
		return fmt.Sprintf("(hidden: %s of %d, %d bytes)", s.Type, s.Members, s.Bytes)
	}
	return fmt.Sprintf("(hidden: %s, %d bytes)", s.Type, s.Bytes)
}

// shapeOf returns the shape of a JSON text.
func shapeOf(text []byte) *Shape {
	s := &Shape{Type: "string", Bytes: len(text)}
	tree, err := value.DecodeWithin(text, math.MaxInt)
	if err != nil {
		return s
	}
	switch tree := tree.(type) {
	case map[string]any:
		s.Type, s.Members = "object", len(tree)
	case []any:
		s.Type, s.Members = "array", len(tree)
	case string:
	case bool:
		s.Type = "boolean"
	case nil:
		s.Type = "null"
	default:
		s.Type = "number"
	}
	return s
}

// Bounds of the hidden paths of a flow.
const (
	hiddenPathsMax     = 20
	hiddenPathBytesMax = 256
)

// parseHiddenPaths parses the HiddenPaths parameter; "" and [] are none.
func parseHiddenPaths(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var paths []string
	if err := value.Unmarshal([]byte(text), &paths); err != nil {
		return nil, fault.New(fault.InvalidArgument,
			`HiddenPaths must be like ["customer.card"]: %v.`, err)
	}
	if len(paths) > hiddenPathsMax {
		return nil, fault.New(fault.InvalidArgument, "HiddenPaths must have at most %d paths.",
			hiddenPathsMax)
	}
	for i, path := range paths {
		if len(path) > hiddenPathBytesMax || slices.Contains(strings.Split(path, "."), "") ||
			strings.ContainsAny(path, "[]*$\"") {
			return nil, fault.New(fault.InvalidArgument, "HiddenPaths: %s must be names of "+
				"members, joined by dots, of at most %d bytes: customer.card.", value.Quote(path),
				hiddenPathBytesMax)
		}
		if slices.Contains(paths[:i], path) {
			return nil, fault.New(fault.InvalidArgument, "HiddenPaths: %s is given twice.",
				value.Quote(path))
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	return paths, nil
}

// hiddenPaths are the hidden paths of a flow, split at their dots. A path hides the value of a
// member wherever the members around it have the names before: what flows from state to state is
// not always at the same depth. Arrays between them do not count, nor does the case of names.
type hiddenPaths [][]string

func newHiddenPaths(paths []string) hiddenPaths {
	h := make(hiddenPaths, len(paths))
	for i, path := range paths {
		h[i] = strings.Split(path, ".")
	}
	return h
}

// hiddenValue stands in place of a hidden value.
const hiddenValue = "(hidden)"

// hide replaces the values at hidden paths of a JSON text, and adds the paths to hidden. A text
// that is no JSON has no paths; it is hidden whole.
func (h hiddenPaths) hide(text []byte, hidden *Hidden) []byte {
	tree, err := value.DecodeWithin(text, math.MaxInt)
	if err != nil {
		tree = hiddenValue
	}
	shown, changed := h.walk(tree, nil, hidden)
	if !changed && err == nil {
		return text
	}
	return value.Encode(shown)
}

// walk returns the value with hidden ones replaced. names are those of the members around it. It
// changes the tree.
func (h hiddenPaths) walk(v any, names []string, hidden *Hidden) (shown any, changed bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			at := append(names[:len(names):len(names)], name)
			if path := h.match(at); path != nil {
				hidden.addPath(strings.Join(path, "."))
				v[name], changed = hiddenValue, true
			} else if inner, did := h.walk(member, at, hidden); did {
				v[name], changed = inner, true
			}
		}
	case []any:
		for i, element := range v {
			if inner, did := h.walk(element, names, hidden); did {
				v[i], changed = inner, true
			}
		}
	case string:
		if inner, did := h.walkText(v, names, hidden); did {
			return inner, true
		}
	}
	return v, changed
}

// walkText hides values in a text that is JSON itself, as bodies of HTTP responses are.
func (h hiddenPaths) walkText(text string, names []string, hidden *Hidden) (string, bool) {
	inner := strings.TrimSpace(text)
	if inner == "" || !strings.ContainsRune(`{["`, rune(inner[0])) {
		return text, false
	}
	tree, err := value.DecodeWithin([]byte(inner), math.MaxInt)
	if err != nil {
		return text, false
	}
	shown, changed := h.walk(tree, names, hidden)
	if !changed {
		return text, false
	}
	return string(value.Encode(shown)), true
}

// match returns the path that ends in these names; nil if none does.
func (h hiddenPaths) match(names []string) []string {
	for _, path := range h {
		if len(path) <= len(names) && slices.EqualFunc(path, names[len(names)-len(path):],
			strings.EqualFold) {
			return path
		}
	}
	return nil
}

// addPath keeps the order of the paths by their text, because that of members is by chance.
func (h *Hidden) addPath(path string) {
	if at, found := slices.BinarySearch(h.Paths, path); !found {
		h.Paths = slices.Insert(h.Paths, at, path)
	}
}
