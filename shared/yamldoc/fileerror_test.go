package yamldoc_test

import (
	"errors"
	"testing"

	"millrace/shared/yamldoc"
)

// TestInFile: mistakes of every origin have one shape in a file.
func TestInFile(t *testing.T) {
	_, syntax := yamldoc.Decode([]byte("a: 1\nb: ["))
	_, merged := yamldoc.Decode([]byte("a: {<<: {b: 1}}"))
	for want, err := range map[string]error{
		"f.yaml: it is empty":   errors.New("it is empty"),
		"f.yaml:2: no":          &yamldoc.Problem{Line: 2, Message: "no"},
		"f.yaml:2:3: no":        &yamldoc.Problem{Line: 2, Column: 3, Message: "no"},
		"f.yaml:1:5: merge key": merged,
		"f.yaml:2: did not":     syntax,
	} {
		got := yamldoc.InFile("f.yaml", err).Error()
		if len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
