package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPages checks that every command has a page, with its flags and examples, and that no
// character of a text is lost as markup.
func TestPages(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man")
	if err := write(folder, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "millrace*.1"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for name, texts := range map[string][]string{
		"millrace": {"MILLRACE_ENDPOINT                  where", "130  interrupted", "millrace-flow(1)"},
		"millrace-flow-apply": {"millrace flow apply orders orders.yaml", `\fB--description`,
			"v1.2.3", "millrace-flow(1)"},
		"millrace-test":       {"*.cases.yaml, *.cases.yml"},
		"millrace-start":      {`\fB-n\fP, \fB--name`, "@FILE"},
		"millrace-completion": {"$MILLRACE_ENDPOINT", "source <(millrace completion bash)"},
	} {
		b, err := os.ReadFile(filepath.Join(folder, name+".1"))
		if err != nil {
			t.Error(err)
		}
		for _, text := range texts {
			if !strings.Contains(strings.NewReplacer("\n", " ", `\&`, "").Replace(string(b)), text) {
				t.Errorf("%s: no %q in\n%s", name, text, b)
			}
		}
	}
}
