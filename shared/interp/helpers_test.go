package interp_test

import (
	"encoding/json"

	"millrace/shared/value"
)

// valueOf makes a value tree of what Go's JSON can write.
func valueOf(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return value.Decode(text)
}
