package clients_test

import (
	"fmt"
	"strings"
)

// Each client has an account of its own, so that the tests of one client do not see the flows of
// another.

func accountOf(k kind) string {
	for i := range kinds {
		if kinds[i].name == k.name {
			return fmt.Sprintf("10000000000000%02d", i)
		}
	}
	panic("unknown client " + k.name)
}

// otherAccount is the login of an account that owns nothing.
var otherAccount = login{id: "LTAI5other", secret: "other-secret"}

// owner returns a login with all rights in the client's account.
func owner(k kind) login {
	return login{id: "LTAI5owner-" + k.name, secret: "owner-secret-" + k.name}
}

// temporary returns an STS key of the client's account.
func temporary(k kind) login {
	return login{id: "STS.NT-" + k.name, secret: "sts-secret",
		securityToken: "CAIS+/=token of " + k.name}
}

// expired returns an expired STS key of the client's account.
func expired(k kind) login {
	return login{id: "STS.old-" + k.name, secret: "sts-secret", securityToken: "old"}
}

// restricted returns a key with a policy: it may see and start flows whose names begin with open-.
func restricted(k kind) login {
	return login{id: "LTAI5restricted-" + k.name, secret: "restricted-secret"}
}

// bearer returns a bearer token of the client's account.
func bearer(k kind) login { return login{bearer: "bearer+/=" + k.name} }

// accountsFile returns the text of the server's credentials file.
func accountsFile() string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "accounts:\n  - id: \"20000000000000\"\n    keys:\n"+
		"      - {id: %s, secret: %s}\n", otherAccount.id, otherAccount.secret)
	for _, k := range kinds {
		o, s, e, r := owner(k), temporary(k), expired(k), restricted(k)
		fmt.Fprintf(b, "  - id: %q\n    keys:\n", accountOf(k))
		fmt.Fprintf(b, "      - {id: %s, secret: %s}\n", o.id, o.secret)
		fmt.Fprintf(b, "      - {id: %s, secret: %s, securityToken: %q, expires: "+
			"2999-01-31T00:00:00Z}\n", s.id, s.secret, s.securityToken)
		fmt.Fprintf(b, "      - {id: %s, secret: %s, securityToken: %q, expires: "+
			"2020-01-31T00:00:00Z}\n", e.id, e.secret, e.securityToken)
		fmt.Fprintf(b, `      - id: %s
        secret: %s
        policies:
          - Version: "1"
            Statement:
              - Effect: Allow
                Action: ["fnf:Start*", "fnf:Describe*"]
                Resource: acs:fnf:*:*:flow/open-*
              - Effect: Deny
                Action: "fnf:StartSyncExecution"
                Resource: "*"
`, r.id, r.secret)
		fmt.Fprintf(b, "    bearerTokens:\n      - token: %q\n", bearer(k).bearer)
		b.WriteString("    roles: [{name: fnf-execution-default-role}]\n")
	}
	return b.String()
}
