package interp_test

import (
	"encoding/json"
	"testing"

	"millrace/shared/value"
)

// valueOf returns the value tree of anything that Go's JSON encoder can write.
func valueOf(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return value.Decode(text)
}

// decode decodes a JSON text of a test.
func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
