package flow

import (
	"errors"
	"strconv"
	"strings"

	"millrace/shared/value"
)

// SearchKey is one value of an execution by which lists find it, as its flow's SearchPath had it at
// the start.
type SearchKey struct{ Name, Value string }

// SearchPath names a place in the input of a flow's executions.
type SearchPath struct{ Name, Path string }

// Bounds of search keys.
const (
	SearchKeysMax      = 3   // of a flow
	SearchPathBytesMax = 256 // of a path
	SearchStepsMax     = 16  // of a path
	// SearchValueBytesMax is the longest value, in bytes: an execution with a longer one does not
	// have the key.
	SearchValueBytesMax = 128
)

var errSearchPath = errors.New(
	`it must be like $Input.order.id, $Input.items[0].id or $Input["order id"]`)

// SearchSteps parses a path: $Input, $input or $, then members and elements. A step is a string or
// an int.
func SearchSteps(path string) (steps []any, err error) {
	rest, ok := cutInput(path)
	if !ok || len(path) > SearchPathBytesMax {
		return nil, errSearchPath
	}
	for rest != "" {
		var step any
		if step, rest, ok = cutStep(rest); !ok || len(steps) == SearchStepsMax {
			return nil, errSearchPath
		}
		steps = append(steps, step)
	}
	if len(steps) == 0 {
		return nil, errSearchPath
	}
	return steps, nil
}

func cutInput(path string) (rest string, ok bool) {
	for _, prefix := range [...]string{"$Input", "$input", "$"} {
		rest, ok = strings.CutPrefix(path, prefix)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return rest, true
		}
	}
	return "", false
}

func cutStep(path string) (step any, rest string, ok bool) {
	if name, isMember := strings.CutPrefix(path, "."); isMember {
		end := strings.IndexAny(name, ".[")
		if end < 0 {
			end = len(name)
		}
		return name[:end], name[end:], end > 0 && !strings.ContainsAny(name[:end], "*?]\"' ")
	}
	if quoted, isQuoted := strings.CutPrefix(path, `["`); isQuoted {
		name, rest, ok := strings.Cut(quoted, `"]`)
		return name, rest, ok && name != "" && !strings.Contains(name, `"`)
	}
	digits, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	index, err := strconv.ParseUint(digits, 10, 31)
	return int(index), rest, ok && err == nil && path[0] == '['
}

// SearchKeys returns the keys that an input has. A path that leads nowhere, to no string, number or
// boolean, to "", or to a value that is too long, gives no key.
func SearchKeys(paths []SearchPath, input any) (keys []SearchKey) {
	for _, p := range paths {
		steps, err := SearchSteps(p.Path)
		if err != nil {
			continue
		}
		if text, ok := searchValue(input, steps); ok {
			keys = append(keys, SearchKey{p.Name, text})
		}
	}
	return keys
}

func searchValue(v any, steps []any) (text string, ok bool) {
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v, ok = object[step]
		case int:
			array, _ := v.([]any)
			if ok = step < len(array); ok {
				v = array[step]
			}
		}
		if !ok {
			return "", false
		}
	}
	switch v := v.(type) {
	case string:
		text = v
	case value.Number:
		text = string(v)
	case bool:
		text = strconv.FormatBool(v)
	}
	return text, text != "" && len(text) <= SearchValueBytesMax
}
