package auth_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/rpc/auth"
)

// TestRightsDocument checks that a rights document says the same as the credentials file of every
// key, token and role, that it holds no secrets, and that it is not accepted as credentials.
func TestRightsDocument(t *testing.T) {
	const file = `accounts:
  - id: "1"
    keys:
      - {id: owner, secret: hidden-secret-one}
      - {id: sts, secret: hidden-secret-two, securityToken: hidden-token-two,
         expires: 2027-01-31T00:00:00.5+08:00}
      - id: limited
        secret: hidden-secret-three
        replaces: [gone, older]
        policies:
          - Version: "1"
            Statement:
              - {Effect: Allow, Action: ["fnf:Start*", "fnf:Describe*"],
                 Resource: ["acs:fnf:*:*:flow/mine-*"]}
              - {Effect: Deny, Action: "fnf:StartSyncExecution", Resource: "*"}
          - {Statement: [{Effect: Allow, Action: "ram:PassRole",
              Resource: "acs:ram::1:role/worker"}]}
      - {id: nothing, secret: hidden-secret-six, policies: [{Statement: []}]}
      - {id: expired, secret: hidden-secret-four, expires: 2020-01-31T00:00:00Z}
    bearerTokens:
      - token: hidden-bearer-token
        expires: 2027-01-31T00:00:00Z
        policies: [{Statement: [{Effect: Allow, Action: "fnf:ListFlows", Resource: "*"}]}]
    roles:
      - {name: everything}
      - {name: idle, policies: [{Version: "1", Statement: []}, {Statement: []}]}
      - name: worker
        policies: [{Statement: [{Effect: Allow, Action: "fnf:StopExecution",
          Resource: "acs:fnf:*:*:flow/mine-?"}]}]
  - id: account-2
    keys: [{id: stranger, secret: hidden-secret-five}]
`
	accounts, err := auth.ParseAccounts("c.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := auth.New(accounts)
	if err != nil {
		t.Fatal(err)
	}
	document, err := auth.AppendRights([]byte("before"), accounts)
	document, cut := bytes.CutPrefix(document, []byte("before"))
	if err != nil || !cut || bytes.ContainsAny(document, "\n") ||
		bytes.Contains(document, []byte("hidden")) {
		t.Fatalf("%v: %s", err, document)
	}
	read, err := auth.ParseRights("c.yaml", document)
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	fromFile, err := auth.ParseRights("c.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	authors := []string{"", "owner", "sts", "limited", "nothing", "expired", "gone", "older",
		"other", "stranger",
		auth.BearerID("hidden-bearer-token"), auth.BearerID("another")}
	roles := []string{"", "acs:ram::1:role/everything", "acs:ram::1:role/worker",
		"acs:ram::1:role/idle", "acs:ram::1:role/none", "acs:ram::account-2:role/worker"}
	pairs := [][2]string{{"fnf:StartExecution", "acs:fnf:cn:1:flow/mine-1"},
		{"fnf:StartSyncExecution", "acs:fnf:cn:1:flow/mine-1"},
		{"fnf:DescribeFlow", "acs:fnf:cn:1:flow/other"},
		{"fnf:StopExecution", "acs:fnf:cn:1:flow/mine-1"}, {"fnf:ListFlows", "*"},
		{"ram:PassRole", "acs:ram::1:role/worker"}, {"ram:PassRole", "acs:ram::1:role/everything"}}
	seen := map[string]bool{}
	for _, account := range []string{"1", "account-2", "3"} {
		for _, author := range authors {
			for _, role := range roles {
				for _, now := range []time.Time{
					time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
					time.Date(2027, 1, 30, 16, 0, 0, 4e8, time.UTC),
					time.Date(2027, 1, 30, 16, 0, 0, 5e8, time.UTC),
					time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC),
				} {
					want := rightsText(
						credentials.Register().RightsOf(account, role, author, "cn", now))(pairs)
					seen[want] = true
					got := rightsText(read.RightsOf(account, role, author, "cn", now))(pairs)
					if got != want {
						t.Errorf("account %s, role %q, author %q, %v:\n%s\n"+
							"from the document, not\n%s", account, role, author, now, got, want)
					}
					got = rightsText(fromFile.RightsOf(account, role, author, "cn", now))(pairs)
					if got != want {
						t.Errorf("account %s, role %q, author %q, %v:\n%s\nfrom the file, not\n%s",
							account, role, author, now, got, want)
					}
				}
			}
		}
	}
	if len(seen) < 8 {
		t.Errorf("only %d different rights were compared", len(seen))
	}
	if accounts, err := auth.ParseAccounts("c.yaml", document); err == nil {
		t.Errorf("a rights document is taken as credentials: %v", accounts)
	}
	for _, bad := range []string{
		"", "{}x",
		`{"accounts":[{"id":"1","keys":[{"id":"a","policies":[{"Statement":[` +
			`{"Effect":"Maybe","Action":"*","Resource":"*"}]}]}]}]}`,
		`{"accounts":[{"id":"1","roles":[{"name":"a/b"}]}]}`,
		`{"accounts":[{"id":"1","keys":[{"id":"a","replaces":["a"]}]}]}`,
	} {
		if _, err := auth.ParseRights("c.yaml", []byte(bad)); err == nil {
			t.Errorf("taken as rights: %s", bad)
		}
	}
	if !strings.Contains(string(document), `"replaces":["gone","older"]`) {
		t.Errorf("%s", document)
	}
}

// rightsText lists what is allowed, or says why nothing is.
func rightsText(may func(action, resource string) bool, err error) func(pairs [][2]string) string {
	return func(pairs [][2]string) string {
		if err != nil {
			return err.Error()
		}
		text := ""
		for _, a := range pairs {
			text += fmt.Sprintf("%s on %s: %v\n", a[0], a[1], may == nil || may(a[0], a[1]))
		}
		return text
	}
}
