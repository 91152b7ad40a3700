package auth_test

import (
	"os"
	"strings"
	"testing"

	"millrace/shared/rpc/auth"
)

// TestDocumentedExample checks that the example in the documentation is a valid file.
func TestDocumentedExample(t *testing.T) {
	text, err := os.ReadFile("../../../docs/credentials.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	accounts, err := auth.ParseAccounts("c.yaml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.New(accounts); err != nil {
		t.Fatal(err)
	}
	if len(accounts) != 1 || len(accounts[0].Keys) != 3 ||
		len(accounts[0].Keys[2].Policies[0].Statements) != 3 {
		t.Errorf("accounts are %+v", accounts)
	}
}
