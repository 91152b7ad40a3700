package cli_test

import (
	"strings"
	"testing"
)

// TestCheckRights checks that --check detects a rights document that does not match the current
// credentials.
func TestCheckRights(t *testing.T) {
	const keys = "accounts:\n- id: '1'\n  keys:\n  - {id: a, secret: a-secret-of-24-characters}\n"
	const gone = keys + "  - {id: gone, secret: b-secret-of-24-characters}\n"
	now := write(t, "credentials.yaml", keys)
	s := newShell(t, nil)
	_, document, _ := s.run("rights", now)
	_, outdated, _ := s.run("rights", write(t, "before.yaml", gone))
	for what, c := range map[string]struct {
		document string
		status   int
	}{
		"fresh": {document, 0}, "laid out": {strings.ReplaceAll(document, ",", ",\n  "), 0},
		"a secret has changed": {document, 0}, "older": {outdated, 1}, "none": {"", 1},
		"no JSON": {document + "}", 1},
	} {
		file := now
		if what == "a secret has changed" {
			file = write(t, "rotated.yaml", strings.Replace(keys, "a-secret", "c-secret", 1))
		}
		status, out, errs := s.run("rights", file, "--check", write(t, "rights.json", c.document))
		if status != c.status || out != "" || (errs == "") != (status == 0) ||
			status != 0 && !strings.Contains(errs, "millrace rights") {
			t.Errorf("%s: status %d, %q, %q", what, status, out, errs)
		}
	}
}
