package console

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// uses finds the keys of texts in templates and in code.
var uses = regexp.MustCompile(`\.T\(?\s*"([^"]+)"`)

// verbs finds what is replaced in a text.
var verbs = regexp.MustCompile(`%[a-z%]`)

// TestCatalogue: every text that a page uses is in the catalogue, every text of the catalogue is
// used, and both languages have it with the same parts.
func TestCatalogue(t *testing.T) {
	used := map[string]bool{}
	for status := range strings.FieldsSeq("Running Succeeded Failed TimedOut Stopped Starting " +
		"Aborted Pending") {
		used[status] = true
	}
	for class := range strings.FieldsSeq("succeeded failed aborted running") {
		used["bar "+class] = true
	}
	for name := range (&Console{}).parsePages() {
		if name == "home" || name == "flows" || name == "executions" || name == "sign-in" ||
			name == "error" || name == "missing" {
			used[name] = true // as a title
		}
	}
	for _, pattern := range []string{"templates/*.html", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 5 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range uses.FindAllStringSubmatch(string(text), -1) {
				used[m[1]] = true
				if _, ok := catalogue[m[1]]; !ok {
					t.Errorf("%s uses %q, which the catalogue does not have", file, m[1])
				}
			}
		}
	}
	for key, texts := range catalogue {
		en, zh := verbs.FindAllString(texts.en, -1), verbs.FindAllString(texts.zh, -1)
		switch {
		case !used[key]:
			t.Errorf("no page uses %q", key)
		case texts.en == "" || texts.zh == "":
			t.Errorf("%q lacks a language", key)
		case strings.Join(en, " ") != strings.Join(zh, " "):
			t.Errorf("%q: %q, %q", key, texts.en, texts.zh)
		}
	}
}
