package auth_test

import (
	"log/slog"
	"strings"
	"testing"

	"millrace/shared/rpc/auth"
)

// TestWeakSecrets checks that a warning about an easily guessed secret or bearer token names its
// key and does not show the secret.
func TestWeakSecrets(t *testing.T) {
	for secret, want := range map[string]string{
		"x": "shorter than 16", "secret": "from documents", "fifteen-chars-x": "shorter than 16",
		"aaaaaaaaaaaaaaaaaaaaaaaa": "few different", "abababababababababab": "few different",
		"secretsecretsecret": "from documents", "3h1QexampleSecret": "from documents",
		"changemechangeme": "from documents", "a-long-random-text": "from documents",
		"sixteen-chars-xy": "", "c2VjcmV0IGtleSBvZiBzb21l": "", "8f14e45fceea167a5a36": "",
	} {
		for what, accounts := range map[string][]auth.Account{
			"the secret of access key k1": {{ID: "1",
				Keys: []auth.AccessKey{{ID: "k1", Secret: secret}}}},
			"bearer token 1 of account 1": {{ID: "1", Tokens: []auth.BearerToken{{Token: secret}}}},
		} {
			c, err := auth.New(accounts)
			if err != nil {
				t.Fatal(err)
			}
			var log strings.Builder
			c.Warn(slog.New(slog.NewTextHandler(&log, nil)))
			got := log.String()
			switch {
			case want == "" && got != "":
				t.Errorf("%s: %s", secret, got)
			case want != "" && (!strings.Contains(got, what) || !strings.Contains(got, want)):
				t.Errorf("%s: %q, want %q and %q", secret, got, what, want)
			case len(secret) > 6 && strings.Contains(got, secret):
				t.Errorf("the log shows %q: %s", secret, got)
			}
		}
	}
}
