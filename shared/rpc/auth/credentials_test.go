package auth_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"millrace/shared/access"
	"millrace/shared/rpc/auth"
)

func allow(actions, resources string) access.Statement {
	return statement("Allow", actions, resources)
}

func statement(effect, actions, resources string) access.Statement {
	return access.Statement{Effect: effect, Actions: strings.Fields(actions),
		Resources: strings.Fields(resources)}
}

const exampleYAML = `# who may call
accounts:
  - id: 1234567890123456
    keys:
      - id: LTAI5example
        secret: topsecret1
      - id: STS.example
        secret: topsecret2
        securityToken: topsecret3
        expires: 2027-01-31T00:00:00Z
        policies:
          - Version: "1"
            Statement:
              - Effect: Allow
                Action: [fnf:Start*, "fnf:Describe*"]
                Resource: acs:fnf:*:*:flow/order-*
              - {Effect: Deny, Action: fnf:StartSyncExecution, Resource: "*"}
    bearerTokens:
      - token: topsecret4
  - id: "0042"
    bearerTokens: [{token: topsecret5, expires: "2027-01-31T08:00:00+08:00"}]
`

const exampleJSON = `
{
	"accounts": [
		{"id": "1234567890123456",
		 "keys": [
			{"id": "LTAI5example", "secret": "topsecret1"},
			{"id": "STS.example", "secret": "topsecret2", "securityToken": "topsecret3",
			 "expires": "2027-01-31T00:00:00Z",
			 "policies": [{"Version": "1", "Statement": [
				{"Effect": "Allow", "Action": ["fnf:Start*", "fnf:Describe*"],
				 "Resource": ["acs:fnf:*:*:flow/order-*"]},
				{"Effect": "Deny", "Action": "fnf:StartSyncExecution", "Resource": "*"}]}]}],
		 "bearerTokens": [{"token": "topsecret4"}]},
		{"id": "0042", "bearerTokens": [{"token": "topsecret5", "expires": "2027-01-31T00:00:00Z"}]}
	]
}`

func TestParseAccounts(t *testing.T) {
	expires := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	want := []auth.Account{
		{ID: "1234567890123456", Keys: []auth.AccessKey{
			{ID: "LTAI5example", Secret: "topsecret1"},
			{ID: "STS.example", Secret: "topsecret2", SecurityToken: "topsecret3", Expires: expires,
				Policies: []access.Policy{
					{Statements: []access.Statement{
						allow("fnf:Start* fnf:Describe*", "acs:fnf:*:*:flow/order-*"),
						statement("Deny", "fnf:StartSyncExecution", "*"),
					}},
				}},
		}, Tokens: []auth.BearerToken{{Token: "topsecret4"}}},
		{ID: "0042", Tokens: []auth.BearerToken{{Token: "topsecret5", Expires: expires}}},
	}
	for name, text := range map[string]string{"YAML": exampleYAML, "JSON": exampleJSON} {
		got, err := auth.ParseAccounts("c.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range got {
			for j := range got[i].Tokens {
				got[i].Tokens[j].Expires = got[i].Tokens[j].Expires.UTC()
			}
		}
		for i := range want {
			for j := range want[i].Tokens {
				want[i].Tokens[j].Expires = want[i].Tokens[j].Expires.UTC()
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(path, []byte(exampleYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := auth.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if k := c.Bearer("topsecret5", time.Time{}); k == nil || k.Account != "0042" {
		t.Errorf("the bearer token belongs to %+v", k)
	}
	if _, err := auth.Load(path + ".none"); err == nil ||
		!strings.Contains(err.Error(), "credentials.yaml.none") {
		t.Errorf("a missing file gives %v", err)
	}
}

// TestBadCredentialsFiles checks that the error for a bad file says where it is wrong and what to
// write, and that it shows no secret.
func TestBadCredentialsFiles(t *testing.T) {
	key := func(lines string) string {
		return "accounts:\n  - id: a1\n    keys:\n      - id: k1\n        secret: topsecret\n" +
			lines
	}
	policy := func(lines string) string {
		return key("        policies:\n          - Statement:\n" + lines)
	}
	for _, c := range []struct{ text, want string }{
		{"", "the file is empty; it needs a list `accounts:`"},
		{"# nothing\n", "the file is empty; it needs a list `accounts:`"},
		{"accounts: [", "this is neither YAML nor JSON"},
		{"accounts:\n  - id: a\n   secret: topsecret",
			":3:4: this is neither YAML nor JSON; check the indentation and the quotes"},
		{"{\"accounts\": [}", "this is neither YAML nor JSON"},
		{"- id: a", ":1:1: the text must be a mapping, not a list"},
		{"keys: []", `:1:1: there is no "keys"; known here: accounts`},
		{"accounts: 5", ":1:11: accounts must be a list, not a number"},
		{"accounts: []\n---\naccounts: []", "c.yaml:2:1: the text holds more than one YAML document"},
		{"accounts: []", "there is no access key and no bearer token"},
		{"accounts:\n  - keys: []", ":2:5: accounts[0].id is missing"},
		{"accounts:\n  - id: a b", `:2:9: account id "a b" must be`},
		{"accounts:\n  - id: a\n    id: b", `:3:5: the key "id" stands twice in one mapping`},
		{"accounts:\n  - id:", ":2:8: accounts[0].id must be a text, not null"},
		{"accounts:\n  - id: ''", ":2:9: accounts[0].id must be a text that is not empty"},
		{"accounts:\n  - id: [1]", ":2:9: accounts[0].id must be a text, not a list"},
		{"accounts:\n  - id: a\n    keys:\n      - id: k\n", ":4:9: accounts[0].keys[0].secret is missing"},
		{"accounts:\n  - id: a\n    keys:\n      - id: k,1\n        secret: topsecret",
			`:4:13: access key id "k,1" must be`},
		{"accounts: [{id: a, keys: [{id: k, secret:topsecret}]}]",
			":1:35: there is no such member; known here: id, expires, policies, replaces, secret, securityToken"},
		{key("        LTAIsomethinglong: secret\n"),
			":6:9: there is no such member; known here: id, expires, policies, replaces, secret, securityToken"},
		{key("        secrte: topsecret\n"),
			`:6:9: there is no "accounts[0].keys[0].secrte"; did you mean 'secret'?`},
		{key("        expires: tomorrow\n"),
			":6:18: accounts[0].keys[0].expires must be a time like 2027-01-31T00:00:00Z, not a string"},
		{key("      - id: k1\n        secret: topsecret\n"), "access key id k1 is there twice"},
		{key("        policies: []\n"),
			":6:19: the list is empty; leave policies out to allow everything"},
		{key("        policies: [{Version: 2, Statement: []}]\n"),
			":6:30: the Version of a policy is 1"},
		{key("        policies: *x\n"), "neither YAML nor JSON"},
		{policy("              - Effect: Allow\n                Action: fnf:*\n"),
			":8:17: accounts[0].keys[0].policies[0].Statement[0].Resource is missing"},
		{policy("              - {Effect: allow, Action: \"fnf:*\", Resource: \"*\"}\n"),
			`:8:17: Effect is "allow"; write Allow or Deny`},
		{policy("              - {Effect: Allow, Action: \"ecs:*\", Resource: \"*\"}\n"),
			`:8:17: Action "ecs:*" is not one of this service`},
		{policy("              - {Effect: Allow, Action: \"oss:GetObjet\", Resource: \"*\"}\n"),
			`:8:17: Action "oss:GetObjet" fits no operation; those of OSS here are oss:GetObject`},
		{policy("              - {Effect: Allow, Action: \"oss:GetObject\", Resource: " +
			"\"acs:fnf:*:*:flow/x\"}\n"), `:8:17: Resource "acs:fnf:*:*:flow/x" fits none of`},
		{policy("              - {Effect: Allow, Action: \"oss:GetObject\", Resource: " +
			"\"acs:oss:b\"}\n"), `:8:17: Resource "acs:oss:b" fits no object`},
		{policy("              - {Effect: Allow, Action: \"*\", Resource: flow/x}\n"),
			`:8:17: Resource "flow/x" is not one of this service`},
		{policy("              - {Effect: Deny, Action: \"fnf:StrtExecution\", Resource: \"*\"}\n"),
			`:8:17: Action "fnf:StrtExecution" fits no operation`},
		{policy("              - {Effect: Deny, Action: \"fnf:Begin*\", Resource: \"*\"}\n"),
			`:8:17: Action "fnf:Begin*" fits no operation`},
		{policy("              - {Effect: Deny, Action: \"*\", Resource: " +
			"\"acs:fnf:*:*:flows/x\"}\n"), `:8:17: Resource "acs:fnf:*:*:flows/x" fits no flow`},
		{policy("              - {Effect: Deny, Action: \"*\", Resource: " +
			"\"acs:fnf:cn-hangzhou:1\"}\n"), `:8:17: Resource "acs:fnf:cn-hangzhou:1" fits no ` +
			`flow`},
		{policy("              - {Effect: Deny, Action: \"*\", Resource: \"acs:fnf:*:*:flow\"}\n"),
			`:8:17: Resource "acs:fnf:*:*:flow" fits no flow`},
		{policy("              - {Effect: Allow, Action: [], Resource: \"*\"}\n"),
			":8:17: a statement needs at least one Action"},
		{policy("              - {Effect: Allow, Action: \"*\", Resource: \"*\", Condition: {}}\n"),
			`.Condition"; known here: Effect, Action, Resource`},
		{"accounts:\n  - id: a\n    bearerTokens:\n      - {}\n",
			":4:9: accounts[0].bearerTokens[0].token is missing"},
		{"accounts:\n  - id: a\n    bearerTokens: [{token: topsecret}, {token: topsecret}]\n",
			"bearer token 2 of account a: the token is there twice"},
		{strings.Repeat("#", 5<<20), "c.yaml:1:1: the text has 4194305 bytes; at most 4194304 are allowed"},
		{key("        # x\r        expires: tomorrow\n"), ":6:12: a carriage return"},
		{key("        # \u202e\n"), ":6:11: U+202E"},
		{"%YAML 1.1\n---\n" + key(""), ":1:1: the text says that it is YAML 1.1"},
		{"accounts:\n  - <<: {id: a}\n    keys: []\n", ":2:5: merge keys"},
		{"accounts:\n  - id: a # \u2028    keys: []\n",
			"there is no access key and no bearer token"},
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := auth.Load(path)
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("%.60q gives %v, want %s", c.text, err, c.want)
		} else if strings.Contains(err.Error(), "topsecret") {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
}

func TestNewRejects(t *testing.T) {
	good := auth.AccessKey{ID: "k", Secret: "s"}
	for _, accounts := range [][]auth.Account{
		nil,
		{{ID: "", Keys: []auth.AccessKey{good}}},
		{{ID: "a", Keys: []auth.AccessKey{{ID: "", Secret: "s"}}}},
		{{ID: "a", Keys: []auth.AccessKey{{ID: "k", Secret: ""}}}},
		{{ID: "a", Tokens: []auth.BearerToken{{}}}},
		{{ID: "a", Keys: []auth.AccessKey{good}}, {ID: "b", Keys: []auth.AccessKey{good}}},
		{{ID: "a",
			Keys: []auth.AccessKey{{ID: "k", Secret: "s",
				Policies: []access.Policy{{Statements: []access.Statement{{}}}}}}}},
		{{ID: "a",
			Tokens: []auth.BearerToken{{Token: "t",
				Policies: []access.Policy{{Statements: []access.Statement{{}}}}}}}},
	} {
		if c, err := auth.New(accounts); err == nil {
			t.Errorf("%+v gives %v", accounts, c)
		}
	}
}

func FuzzParseAccounts(f *testing.F) {
	f.Add([]byte(exampleYAML))
	f.Add([]byte(exampleJSON))
	f.Add([]byte("accounts: &a [*a]"))
	f.Add([]byte("accounts:\n  - <<: {id: a}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		accounts, err := auth.ParseAccounts("c.yaml", text)
		if err == nil {
			auth.New(accounts)
		}
	})
}

// TestWorldReadableFile checks that a credentials file that everybody may read is used, with a
// warning.
func TestWorldReadableFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file modes")
	}
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(path, []byte(exampleYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warned := range map[os.FileMode]bool{
		0o600: false, 0o640: false, 0o644: true, 0o604: true, 0o602: true,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		c, err := auth.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		c.Warn(slog.New(slog.NewTextHandler(&log, nil)))
		got := strings.Contains(log.String(), "chmod 600") && strings.Contains(log.String(), path)
		if got != warned || strings.Contains(log.String(), "topsecret") {
			t.Errorf("%o: the log has %q", mode, log.String())
		}
	}
}

// TestPoliciesThatCanBeMeant checks that a policy may name operations that this server does not
// have, and any resource that may fit a flow.
func TestPoliciesThatCanBeMeant(t *testing.T) {
	actions := "* fnf:* FNF:startexecution fnf:Get?xecution* fnf:CreateSchedule " +
		"fnf:PublishFlowVersion fnf:UpdateFlowDraft"
	resources := "* acs:fnf:* acs:fnf:*:*:* acs:fnf:*:*:flow/x acs:fnf:cn-hangzhou:1:fl* " +
		"acs:fnf:cn-?:1:f?ow/* acs:fnf:*flow/x"
	key := auth.AccessKey{ID: "k", Secret: "s",
		Policies: []access.Policy{{Statements: []access.Statement{allow(actions, resources)}}}}
	if _, err := auth.New([]auth.Account{{ID: "1",
		Keys: []auth.AccessKey{key}}}); err != nil {
		t.Error(err)
	}
}
