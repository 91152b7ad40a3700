package security_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/support/live"
)

// callers is the credentials file of the access tests. Account 1 owns everything, account 2
// nothing.
const callers = `accounts:
  - id: "1"
    keys:
      - {id: owner, secret: s1}
      - {id: STS.good, secret: s2, securityToken: tok+/=, expires: 2999-01-31T00:00:00Z}
      - {id: STS.old, secret: s3, securityToken: old, expires: 2020-01-31T00:00:00Z}
      - {id: revoked, secret: s4}
      - id: elsewhere
        secret: s5
        policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "acs:fnf:us-west-1:*:*"}]}]
      - id: limited
        secret: s6
        policies: [{Version: "1", Statement: [{Effect: Allow, Action: "fnf:*", Resource: "acs:fnf:*:*:flow/mine-*"}]}]
      - id: forbidden
        secret: s7
        policies: [{Version: "1", Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "fnf:*", Resource: "*"}]}]
    bearerTokens:
      - {token: bearer-one}
      - {token: bearer-old, expires: 2020-01-31T00:00:00Z}
  - id: "2"
    keys: [{id: stranger, secret: s8}]
    bearerTokens: [{token: bearer-two}]
`

// operation is an operation of the API, on a resource that exists, or on one of the same form that
// does not.
type operation struct {
	name   string
	params func(flow, execution, token string) map[string]string
	own    bool // names nothing that another account could have
}

func named(more ...string) func(flow, execution, token string) map[string]string {
	return func(flow, execution, token string) map[string]string {
		p := map[string]string{}
		for _, m := range more {
			name, value, _ := strings.Cut(m, "=")
			p[name] = strings.NewReplacer("{f}", flow, "{x}", execution, "{t}",
				token).Replace(value)
		}
		return p
	}
}

var matrix = []operation{
	{"UpdateFlow", named("Name={f}", "Description=taken over"), false},
	{"DescribeFlow", named("Name={f}"), false},
	{"DeleteFlow", named("Name={f}"), false},
	{"ListFlows", named("Limit=100"), true},
	{"StartExecution", named("FlowName={f}", "ExecutionName={x}", "Input={}"), false},
	{"StartExecution", named("FlowName={f}", "ExecutionName=new", "Input={}",
		"CallbackFnFTaskToken={t}"), false},
	{"StartSyncExecution", named("FlowName={f}", "ExecutionName={x}"), false},
	{"StopExecution", named("FlowName={f}", "ExecutionName={x}", "Error=Taken"), false},
	{"DeleteExecution", named("FlowName={f}", "ExecutionName={x}"), false},
	{"RedriveExecution", named("FlowName={f}", "ExecutionName={x}"), false},
	{"DescribeExecution", named("FlowName={f}", "ExecutionName={x}", "WaitTimeSeconds=0"), false},
	{"ListExecutions", named("FlowName={f}"), false},
	{"GetExecutionHistory", named("FlowName={f}", "ExecutionName={x}"), false},
	{"ReportTaskSucceeded", named("TaskToken={t}", "Output={}"), false},
	{"ReportTaskFailed", named("TaskToken={t}", "Error=Taken"), false},
	{"DescribeRegions", named(), true},
	{"CreateFlow",
		named("Name={f}", "Type=FDL",
			"Definition="+"version: v1\ntype: flow\nsteps: [{type: pass, name: p}]"), true},
}

// identity is a caller without the right, and the error that it must get.
type identity struct {
	name    string
	options client.Options
	change  func(*http.Request)
	status  int
	code    string
	replays bool // the request is sent twice, and the second response counts
	v1, v3  bool // sent only in that form
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = []string{value} }
}

var signedParam = regexp.MustCompile(
	`((?:^|&)(?:Name|FlowName|TaskToken|Limit|SignatureNonce)=)([^&]*)`)

// altered changes parameters after they were signed, in the body and in the query.
func altered(r *http.Request) {
	setBody(r, signedParam.ReplaceAllString(bodyOf(r), "${1}${2}1"))
	r.URL.RawQuery = signedParam.ReplaceAllString(r.URL.RawQuery, "${1}${2}1")
}

// later sets the date of a request a minute after the signed one.
func later(r *http.Request) {
	signed, err := time.Parse(time.RFC3339, r.Header.Get("x-acs-date"))
	if err != nil {
		panic(err)
	}
	header("x-acs-date", signed.Add(time.Minute).Format(time.RFC3339))(r)
}

func added(r *http.Request) {
	if r.URL.RawQuery != "" {
		r.URL.RawQuery += "&"
	}
	r.URL.RawQuery += "Extra=1"
}

func bodied(r *http.Request) {
	setBody(r, bodyOf(r)+"&Extra=1")
	r.Method = http.MethodPost
	r.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
}

func key(id, secret string) client.Options {
	return client.Options{AccessKeyID: id, Secret: secret}
}

func token(o client.Options, t string) client.Options {
	o.SecurityToken = t
	return o
}

func bearer(t string) client.Options { return client.Options{Bearer: t} }

var strangers = []identity{
	{name: "key of another account", options: key("stranger", "s8"), status: 404,
		code: "FlowNotExists"},
	{name: "bearer of another account", options: bearer("bearer-two"), status: 404,
		code: "FlowNotExists"},
	{name: "policy for other flows", options: key("limited", "s6"), status: 403,
		code: "AccessDenied"},
	{name: "policy for another region", options: key("elsewhere", "s5"), status: 403,
		code: "AccessDenied"},
	{name: "policy that denies", options: key("forbidden", "s7"), status: 403,
		code: "AccessDenied"},
	{name: "expired STS key", options: token(key("STS.old", "s3"), "old"), status: 403,
		code: "InvalidAccessKeyID"},
	{name: "unknown STS token", options: token(key("STS.good", "s2"), "made up"), status: 403,
		code: "InvalidAccessKeyID"},
	{name: "STS key without its token", options: key("STS.good", "s2"), status: 403,
		code: "InvalidAccessKeyID"},
	{name: "key with a token that it has not", options: token(key("owner", "s1"), "tok+/="),
		status: 403, code: "InvalidAccessKeyID"},
	{name: "revoked key", options: key("revoked", "s4"), status: 403, code: "InvalidAccessKeyID"},
	{name: "unknown key", options: key("nobody", "s1"), status: 403, code: "InvalidAccessKeyID"},
	{name: "wrong secret", options: key("owner", "s8"), status: 403, code: "SignatureNotMatch"},
	{name: "unknown bearer", options: bearer("made up"), status: 403, code: "AccessDenied"},
	{name: "expired bearer", options: bearer("bearer-old"), status: 403, code: "AccessDenied"},
	{name: "nobody", options: client.Options{Signature: "none"}, status: 400,
		code: "MissingRequiredParams"},
	{name: "old request", options: client.Options{AccessKeyID: "owner", Secret: "s1",
		Now: func() time.Time { return time.Now().Add(-time.Hour) }}, status: 403,
		code: "RequestTimeTooSkewed"},
	{name: "request of tomorrow", options: client.Options{AccessKeyID: "owner", Secret: "s1",
		Now: func() time.Time { return time.Now().Add(24 * time.Hour) }}, status: 403,
		code: "RequestTimeTooSkewed"},
	{name: "parameter altered", options: key("owner", "s1"), change: altered, status: 403,
		code: "SignatureNotMatch", v1: true},
	{name: "parameter added", options: key("owner", "s1"), change: added, status: 403,
		code: "SignatureNotMatch"},
	{name: "body altered", options: key("owner", "s1"), change: bodied, status: 403,
		code: "SignatureNotMatch"},
	{name: "date altered", options: key("owner", "s1"), change: later, status: 403,
		code: "SignatureNotMatch", v3: true},
	{name: "nonce altered", options: key("owner", "s1"), change: header("x-acs-signature-nonce",
		"another"), status: 403, code: "SignatureNotMatch", v3: true},
	{name: "host altered", options: key("owner", "s1"), change: func(r *http.Request) {
		r.Host = "other:80"
	}, status: 403, code: "SignatureNotMatch", v3: true},
	{name: "key altered", options: key("owner", "s1"), change: func(r *http.Request) {
		a := r.Header.Get("Authorization")
		r.Header.Set("Authorization", strings.Replace(a, "Credential=owner", "Credential=stranger",
			1))
	}, status: 403, code: "SignatureNotMatch", v3: true},
	{name: "version altered", options: key("owner", "s1"),
		change: header("x-acs-version", "2020-01-01"), status: 400, code: "APIVersionNotSupported",
		v3: true},
	{name: "replayed", options: key("owner", "s1"), replays: true, status: 400,
		code: "SignatureNonceUsed"},
	{name: "replayed with STS", options: token(key("STS.good", "s2"), "tok+/="), replays: true,
		status: 400, code: "SignatureNonceUsed"},
}

// plain removes from a response what differs between requests.
func plain(body string, names ...string) string {
	var a map[string]any
	if json.Unmarshal([]byte(body), &a) != nil {
		return body
	}
	delete(a, "RequestId")
	if m, ok := a["Message"].(string); ok {
		for _, n := range names {
			m = strings.ReplaceAll(m, "'"+n+"'", "'?'")
			m = strings.ReplaceAll(m, ":flow/"+n+".", ":flow/?.")
		}
		a["Message"] = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(m,
			"TIME")
	}
	text, _ := json.Marshal(a)
	return string(text)
}

// forged returns a task token of the right form that the engine did not issue.
func forged(flow, execution string) string {
	mac := base64.StdEncoding.EncodeToString(make([]byte, 20))
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "v1#%s#%s#2#%s", flow,
		execution, mac))
}

// TestAccess checks that each operation by each caller without the right is refused with the right
// code, and that the response does not depend on whether the resource exists. Nothing may change.
func TestAccess(t *testing.T) {
	t.Parallel()
	url, asked := tokens(t)
	s := live.New(t, live.Options{Settings: "{CheckNonces: true, AllowLoopback: true}",
		Credentials: callers})
	s.Start()
	s.WaitReady()
	revoke(t, s)
	owner := s.ClientAs(key("owner", "s1"))
	create(t, owner, "there", asking("there", url))
	if _, err := owner.StartExecution(context.Background(), cloudflow.StartExecutionRequest{
		FlowName: "there", ExecutionName: "one", Input: `{"secret":"input"}`}); err != nil {
		t.Fatal(err)
	}
	real := <-asked
	before := everything(t, owner)
	for _, who := range strangers {
		for _, form := range []string{"v1", "v3"} {
			if who.v1 && form == "v3" || who.v3 && form == "v1" {
				continue
			}
			t.Run(who.name+"/"+form, func(t *testing.T) {
				for _, op := range matrix {
					there := who.ask(t, s, form, op, "there", "one", real)
					absent := who.ask(t, s, form, op, "nowhere", "none", forged("nowhere", "none"))
					who.judge(t, op, there, absent)
				}
				stranger := s.ClientAs(key("stranger", "s8"))
				for _, name := range []string{"there", "nowhere"} { // of its own account
					stranger.DeleteFlow(context.Background(), name)
				}
			})
		}
	}
	if after := everything(t, owner); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if _, err := owner.ReportTaskSucceeded(context.Background(),
		cloudflow.ReportTaskSucceededRequest{TaskToken: real, Output: "{}"}); err != nil {
		t.Errorf("its owner cannot report: %v", err)
	}
	s.Shutdown()
}

// revoke removes a key from the credentials file and restarts the server. Before that it checks
// that the key works.
func revoke(t *testing.T, s *live.Server) {
	t.Helper()
	c := s.ClientAs(key("revoked", "s4"))
	if _, err := c.Call(context.Background(), "ListFlows", nil); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	s.SetCredentials(strings.Replace(callers, "      - {id: revoked, secret: s4}\n", "", 1))
	s.Start()
	s.WaitReady()
}

// everything returns all that the owner can read.
func everything(t *testing.T, owner *client.Client) string {
	t.Helper()
	var all []string
	for _, op := range matrix {
		switch op.name {
		case "DescribeFlow", "ListFlows", "DescribeExecution", "ListExecutions",
			"GetExecutionHistory":
			text, err := owner.Call(context.Background(), op.name, op.params("there", "one", ""))
			if err != nil {
				t.Fatalf("%s: %v", op.name, err)
			}
			all = append(all, op.name+" "+plain(string(text)))
		}
	}
	return strings.Join(all, "\n")
}

func (who *identity) ask(t *testing.T, s *live.Server, form string, op operation, flow, execution,
	taskToken string) answer {
	t.Helper()
	p := &tap{change: who.change}
	o := who.options
	o.HTTPClient = &http.Client{Transport: p}
	if o.Signature == "" {
		o.Signature = form
	}
	params := maps.Clone(op.params(flow, execution, taskToken))
	if who.replays && !reads[op.name] {
		// The request must not carry out what the owner may do, so the first request only reads.
		params = map[string]string{}
		if op.name == "CreateFlow" || op.name == "ListFlows" || op.name == "DescribeRegions" {
			params["Limit"] = "1"
		}
	}
	s.ClientAs(o).Call(context.Background(), op.name, params)
	if who.replays {
		return p.again()
	}
	return p.answer
}

// reads are the operations that change nothing.
var reads = map[string]bool{"DescribeFlow": true, "ListFlows": true, "DescribeExecution": true,
	"ListExecutions": true, "GetExecutionHistory": true, "DescribeRegions": true}

func (who *identity) judge(t *testing.T, op operation, there, absent answer) {
	t.Helper()
	if who.name == "nobody" && op.name == "DescribeRegions" { // it needs no credentials
		if there.status != 200 {
			t.Errorf("%s: %d %s", op.name, there.status, there.body)
		}
		return
	}
	if who.status == 404 && op.own { // it may, in its own account
		if there.status != 200 || strings.Contains(there.body, `"there"`) &&
			op.name != "CreateFlow" {
			t.Errorf("%s: %d %s", op.name, there.status, there.body)
		}
		return
	}
	if there.status != who.status || !strings.Contains(there.body, `"Code":"`+who.code+`"`) {
		t.Errorf("%s: %d %s, want %d %s", op.name, there.status, there.body, who.status, who.code)
	}
	if a, b := plain(there.body, "there", "one"),
		plain(absent.body, "nowhere", "none"); there.status != absent.status ||
		there.header != absent.header || a != b {
		t.Errorf("%s: it can be told what exists:\n%d %s %s\n%d %s %s", op.name, there.status,
			there.header, a, absent.status, absent.header, b)
	}
}
