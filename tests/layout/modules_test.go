package layout_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// required matches a module that go.mod requires directly.
var required = regexp.MustCompile(`(?m)^\t(\S+) v\S+$`)

// majorVersion matches the last element of the path of a module's later version.
var majorVersion = regexp.MustCompile(`^v\d+$`)

// TestModulesAreExplained: docs/decisions/what-we-write.md says of each module what it is for.
func TestModulesAreExplained(t *testing.T) {
	page := read(t, "docs/decisions/what-we-write.md")
	modules := required.FindAllStringSubmatch(read(t, "go.mod"), -1)
	if len(modules) < 15 {
		t.Fatalf("only %d modules found", len(modules))
	}
	for _, m := range modules {
		name := path.Base(m[1])
		if majorVersion.MatchString(name) {
			name = path.Base(path.Dir(m[1]))
		}
		if strings.HasPrefix(m[1], "github.com/aws/aws-sdk-go-v2/service/") {
			name = "aws-sdk-go-v2"
		}
		if !regexp.MustCompile("`[\\w./-]*" + regexp.QuoteMeta(name) + "`").MatchString(page) {
			t.Errorf("%s is in go.mod, and the page does not say what for", m[1])
		}
	}
}
