package layout_test

import (
	"os"
	"path"
	"strings"
	"testing"
)

// readers lists the files that may read JSON with encoding/json, and why. encoding/json matches
// field names without regard to case: it takes "code" for the field Code. All other files read
// foreign JSON with value.Unmarshal.
var readers = map[string]string{
	"value/exact.go":            "it is what matches names exactly",
	"value/pieces.go":           "reads the texts of names",
	"yamldoc/json.go":           "reads tokens; it knows no fields",
	"events/http.go":            "reads the tokens of query parameters in their order",
	"events/envelope.go":        "reads tokens, to see a name that is there twice",
	"alibaba/acs/errors.go":     "services differ in the letters of code, message and request id",
	"task/reserved/call.go":     "takes what any service may take; it knows no fields",
	"app/cloud/asyncresults.go": "the engine's own row",
	"cli/json.go":               "reads into maps; it knows no fields",
}

func TestNamesOfMembersAreExact(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(path.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			name := short(p.ImportPath) + "/" + file
			plain := strings.Contains(string(text), "json.Unmarshal(") ||
				strings.Contains(string(text), "json.NewDecoder(")
			switch {
			case plain && readers[name] == "":
				t.Errorf("%s reads JSON without regard to the case of names; use value.Unmarshal",
					name)
			case plain:
				seen[name] = true
			}
		}
	}
	for name := range readers {
		if !seen[name] {
			t.Errorf("%s reads no JSON by encoding/json any more; take it off the list", name)
		}
	}
}
