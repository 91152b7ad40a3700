package cloudflow

import (
	"strings"
	"testing"
)

// TestEnvironmentNames: names in an environment are exact. An object without the name Variables is
// rejected, because the caller did not mean an environment without variables.
func TestEnvironmentNames(t *testing.T) {
	for text, want := range map[string]int{
		`{"Variables":[{"Name":"k","Value":"v"}]}`:                                           1,
		`{"Variables":[{"Name":"k","Value":"v","name":"other","value":"x"}],"variables":[]}`: 1,
		`{}`: 0, `{"Variables":null}`: 0, `{"Variables":[]}`: 0, "": 0,
		`{"variables":[{"Name":"k","Value":"v"}]}`: -1,
		`{"Variables":[{"name":"k","value":"v"}]}`: -1,
		`{"Variables":7}`:                          -1,
		`[]`:                                       -1,
	} {
		got, err := environment(text)
		if want < 0 && (err == nil || !strings.Contains(err.Error(), "nvironment")) || want >= 0 &&
			(err != nil || len(got) != want) {
			t.Errorf("%s: %v %v", text, got, err)
		}
		if want == 1 && (len(got) != 1 || got[0].Name != "k" || got[0].Value != "v") {
			t.Errorf("%s: %v", text, got)
		}
	}
}
