package cloudflow_test

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store/memstore"
)

const account = "1"

// mayOf returns the access that statements allow. Each is written as `Effect actions resources` and
// becomes a policy of its own.
func mayOf(statements ...string) access.May {
	p := access.Policy{}
	for _, s := range statements {
		f := strings.Fields(s)
		p.Statements = append(p.Statements, access.Statement{
			Effect:    f[0],
			Actions:   strings.Split(f[1], ","),
			Resources: strings.Split(f[2], ","),
		})
	}
	if err := access.Check([]access.Policy{p}); err != nil {
		panic(err)
	}
	return access.MayOf([]access.Policy{p}, account, "")
}

// names returns the names of the flows on a page.
func names(p *cloudflow.FlowPage) (list []string) {
	for _, f := range p.Flows {
		list = append(list, f.Name)
	}
	return list
}

// TestListFlowsShowsWhatMayBeDescribed: the pages hold, in order, exactly the flows that the caller
// may describe, however many hidden ones are between them. A token holds the name of no hidden flow
// and of no flow that its page does not show.
func TestListFlowsShowsWhatMayBeDescribed(t *testing.T) {
	const flows = 230
	s, owner := newService(), cloudflow.Caller{Account: account}
	var all []string
	for i := range flows {
		name := fmt.Sprintf("f%03d", i)
		all = append(all, name)
		group := ""
		if i%2 == 0 {
			group = "even"
		}
		q := cloudflow.CreateFlowRequest{Name: name, Definition: passFlow, ResourceGroupID: group}
		if _, err := s.CreateFlow(t.Context(), owner, q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CreateFlow(t.Context(), cloudflow.Caller{Account: "2"},
		cloudflow.CreateFlowRequest{Name: "f000-of-2", Definition: passFlow}); err != nil {
		t.Fatal(err)
	}
	const flow = "acs:fnf:*:*:flow/"
	for _, c := range []struct {
		name string
		may  access.May
		sees func(name string) bool
	}{
		{"everything", nil, func(string) bool { return true }},
		{"nothing", mayOf("Allow fnf:ListFlows *"), func(string) bool { return false }},
		{"other actions only", mayOf("Allow fnf:StartExecution,fnf:ListFlows *"),
			func(string) bool { return false }},
		{"one by one", mayOf("Allow fnf:* *", "Deny fnf:* "+flow+"f??1,"+flow+"f??3,"+flow+"f??5,"+
			flow+"f??7,"+flow+"f??9"),
			func(n string) bool { return (n[3]-'0')%2 == 0 }},
		{"a long gap", mayOf("Allow fnf:* *", "Deny fnf:DescribeFlow "+flow+"f1*"),
			func(n string) bool { return n[1] != '1' }},
		{"the last only", mayOf("Allow fnf:DescribeFlow " + flow + "f229"),
			func(n string) bool { return n == "f229" }},
		{"the first only", mayOf("Allow fnf:DescribeFlow " + flow + "f000"),
			func(n string) bool { return n == "f000" }},
	} {
		for _, limit := range []int64{1, 2, 7, 99, 100, 101, 1000} {
			for _, group := range []string{"", "even"} {
				var want, got []string
				for i, n := range all {
					if c.sees(n) && (group == "" || i%2 == 0) {
						want = append(want, n)
					}
				}
				caller := cloudflow.Caller{Account: account, May: c.may}
				q := cloudflow.ListFlowsRequest{Limit: &limit, ResourceGroupID: group}
				for pages := 0; ; pages++ {
					page, err := s.ListFlows(t.Context(), caller, q)
					if err != nil {
						t.Fatal(err)
					}
					listed := names(page)
					got = append(got, listed...)
					if page.NextToken == "" {
						break
					}
					if len(listed) != int(limit) {
						t.Errorf("%s by %d: a page of %d says that there are more", c.name, limit,
							len(listed))
					}
					text, err := base64.RawURLEncoding.DecodeString(page.NextToken)
					if last := listed[len(listed)-1]; err != nil || string(text) != last {
						t.Errorf("%s by %d: a token holds %q after the page's last flow %s", c.name,
							limit, text, last)
					}
					if q.NextToken = page.NextToken; pages > flows {
						t.Fatal("there is no end")
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s by %d: %v, want %v", c.name, limit, got, want)
				}
			}
		}
	}
}

// TestPassRole: a caller that changes what a flow with a role does must have the right to pass the
// role. Other changes need no such right and keep the author.
func TestPassRole(t *testing.T) {
	const role, other, foreign, missing = "acs:ram::1:role/worker", "acs:ram::1:role/other",
		"acs:ram::2:role/worker", "acs:ram::1:role/missing"
	text := func(s string) *string { return &s }
	starts := "version: v1\ntype: flow\nsteps:\n- type: task\n  name: a\n  resourceArn: " +
		"acs:fnf:::flow/secret\n"
	for _, c := range []struct {
		name    string
		may     access.May
		role    string // of the flow
		q       cloudflow.UpdateFlowRequest
		want    fault.Code
		author  string // after the update
		message string
	}{
		{"no policies", nil, "", cloudflow.UpdateFlowRequest{RoleArn: text(role)}, "", "caller",
			""},
		{"passes it", mayOf("Allow fnf:* *", "Allow ram:PassRole "+role), "",
			cloudflow.UpdateFlowRequest{RoleArn: text(role)}, "", "caller", ""},
		{"may not", mayOf("Allow fnf:* *"), "", cloudflow.UpdateFlowRequest{RoleArn: text(role)},
			fault.AccessDenied, "", "ram:PassRole on " + role},
		{"may another", mayOf("Allow fnf:* *", "Allow ram:PassRole "+other), "",
			cloudflow.UpdateFlowRequest{RoleArn: text(role)}, fault.AccessDenied, "",
			"ram:PassRole"},
		{"denied", mayOf("Allow * *", "Deny ram:PassRole "+role), "",
			cloudflow.UpdateFlowRequest{RoleArn: text(role)}, fault.AccessDenied, "",
			"ram:PassRole"},
		{"of another account", nil, "", cloudflow.UpdateFlowRequest{RoleArn: text(foreign)},
			fault.AccessDenied, "", "another account"},
		{"not there", nil, "", cloudflow.UpdateFlowRequest{RoleArn: text(missing)},
			fault.InvalidArgument, "", "`roles:`"},
		{"definition under a role", mayOf("Allow fnf:* *"), role,
			cloudflow.UpdateFlowRequest{Definition: text(passFlow)}, fault.AccessDenied, "",
			"ram:PassRole"},
		{"the same definition under a role", mayOf("Allow fnf:* *"), role,
			cloudflow.UpdateFlowRequest{Definition: text(starts)}, fault.AccessDenied, "",
			"ram:PassRole"},
		{"environment under a role", mayOf("Allow fnf:* *"), role,
			cloudflow.UpdateFlowRequest{Environment: text("{}")}, fault.AccessDenied, "",
			"ram:PassRole"},
		{"definition under a role passed", mayOf("Allow * *"), role,
			cloudflow.UpdateFlowRequest{Definition: text(passFlow)}, "", "caller", ""},
		{"description under a role", mayOf("Allow fnf:* *"), role,
			cloudflow.UpdateFlowRequest{Description: text("d")}, "", "author", ""},
		{"type and storage", mayOf("Allow fnf:* *"), role,
			cloudflow.UpdateFlowRequest{Type: text("FDL"), ExternalStorageLocation: text("/x")}, "",
			"author", ""},
		{"nothing", mayOf("Allow fnf:* *"), role, cloudflow.UpdateFlowRequest{}, "", "author", ""},
		{"an empty definition", mayOf("Allow fnf:* *"), role,
			cloudflow.UpdateFlowRequest{Definition: text("")}, "", "author", ""},
		{"role taken away", mayOf("Allow fnf:* *"), role,
			cloudflow.UpdateFlowRequest{RoleArn: text("")}, "", "caller", ""},
		{"definition", mayOf("Allow fnf:* *"), "",
			cloudflow.UpdateFlowRequest{Definition: text(passFlow)}, "", "caller", ""},
		{"environment", mayOf("Allow fnf:* *"), "",
			cloudflow.UpdateFlowRequest{Environment: text("{}")}, "", "caller", ""},
		// The definition names a flow that the flow's new rights do not cover.
		{"role that does not reach", mayOf("Allow * *"), role,
			cloudflow.UpdateFlowRequest{RoleArn: text(other)}, fault.AccessDenied, "",
			"Line 4, state \"a\": it is for flow \"secret\""},
		{"role taken away, key does not reach", mayOf("Allow fnf:* acs:fnf:*:*:flow/mine"), role,
			cloudflow.UpdateFlowRequest{RoleArn: text("")}, fault.AccessDenied, "",
			"it is for flow \"secret\""},
		{"environment by a key that does not reach", mayOf("Allow fnf:* acs:fnf:*:*:flow/mine"), "",
			cloudflow.UpdateFlowRequest{Environment: text("{}")}, fault.AccessDenied, "",
			"it is for flow \"secret\""},
		{"definition by a key that does not reach", mayOf("Allow fnf:* acs:fnf:*:*:flow/mine"), "",
			cloudflow.UpdateFlowRequest{Definition: text(starts)}, fault.AccessDenied, "",
			"it is for flow \"secret\""},
		{"description by a key that does not reach", mayOf("Allow fnf:* acs:fnf:*:*:flow/mine"), "",
			cloudflow.UpdateFlowRequest{Description: text("d")}, "", "author", ""},
		{"definition that names it no more", mayOf("Allow fnf:* acs:fnf:*:*:flow/mine"), "",
			cloudflow.UpdateFlowRequest{Definition: text(passFlow)}, "", "caller", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServiceOn(memstore.New())
			s.Rights = func(in, arn, _ string) (access.May, error) {
				switch {
				case in == account && arn == role:
					return nil, nil
				case in == account && arn == other:
					return mayOf("Allow fnf:* acs:fnf:*:*:flow/mine"), nil
				}
				return nil, &access.NoRightsError{Reason: "no such role"}
			}
			author := cloudflow.Caller{Account: account, Identity: "author"}
			if _, err := s.CreateFlow(t.Context(), author, cloudflow.CreateFlowRequest{
				Name:       "mine",
				Definition: starts,
				RoleArn:    c.role,
			}); err != nil {
				t.Fatal(err)
			}
			caller := cloudflow.Caller{Account: account, Identity: "caller", May: c.may}
			c.q.Name = "mine"
			_, err := s.UpdateFlow(t.Context(), caller, c.q)
			if fault.CodeOf(err) != c.want || err != nil && !strings.Contains(err.Error(),
				c.message) {
				t.Errorf("update: %v, want %s %s", err, c.want, c.message)
			}
			f, err := s.Store.GetFlow(t.Context(), account, "mine")
			if err != nil {
				t.Fatal(err)
			}
			if want := c.author; want == "" && (f.Author != "author" || f.RoleArn != c.role) ||
				want != "" && f.Author != want {
				t.Errorf("afterwards the author is %s, the role %s", f.Author, f.RoleArn)
			}
			if c.q.RoleArn == nil || *c.q.RoleArn == "" || c.role != "" {
				return
			}
			_, err = s.CreateFlow(t.Context(), caller, cloudflow.CreateFlowRequest{
				Name:       "created",
				Definition: passFlow,
				RoleArn:    *c.q.RoleArn,
			})
			if fault.CodeOf(err) != c.want || err != nil && !strings.Contains(err.Error(),
				c.message) {
				t.Errorf("create: %v, want %s %s", err, c.want, c.message)
			}
			if f, err := s.Store.GetFlow(t.Context(), account,
				"created"); (err == nil) != (c.want == "") || err == nil && f.Author != "caller" {
				t.Errorf("created: %v %v", f, err)
			}
		})
	}
}

// TestReferences: CreateFlow and UpdateFlow check the form and the length of each reference.
func TestReferences(t *testing.T) {
	s, caller := newService(), cloudflow.Caller{Account: account}
	if _, err := s.CreateFlow(t.Context(), caller, cloudflow.CreateFlowRequest{
		Name:       "there",
		Definition: passFlow,
	}); err != nil {
		t.Fatal(err)
	}
	long := func(prefix string, n int) string { return prefix + strings.Repeat("x", n-len(prefix)) }
	for i, c := range []struct {
		parameter, text string
		ok              bool
	}{
		{"RoleArn", "", true},
		{"RoleArn", "acs:ram::1:role/worker", true},
		{"RoleArn", "acs:ram::other-account_1:role/a.b-c_D9", true},
		{"RoleArn", long("acs:ram::1:role/", len("acs:ram::1:role/")+64), true},
		{"RoleArn", long("acs:ram::1:role/", len("acs:ram::1:role/")+65), false},
		{"RoleArn", long("acs:ram::1:role/", 257), false},
		{"RoleArn", long("acs:ram::1:role/", 900_000), false},
		{"RoleArn", "worker", false},
		{"RoleArn", "acs:ram::1:role/", false},
		{"RoleArn", "acs:ram:::role/worker", false},
		{"RoleArn", "acs:ram:cn-hangzhou:1:role/worker", false},
		{"RoleArn", "acs:ram::1:user/worker", false},
		{"RoleArn", "acs:ram::1:role/worker/x", false},
		{"RoleArn", "acs:ram::*:role/*", false},
		{"RoleArn", "ACS:RAM::1:role/worker", false},
		{"RoleArn", " acs:ram::1:role/worker", false},
		{"RoleArn", "arn:aws:iam::1:role/worker", false},
		{"ResourceGroupId", "/rg", false},
		{"ResourceGroupId", "rg-acfm.x_1", true},
		{"ResourceGroupId", long("rg-", 256), true},
		{"ResourceGroupId", long("rg-", 257), false},
		{"ResourceGroupId", "rg 1", false},
		{"ResourceGroupId", "rg-\u00e9", false},
		{"ResourceGroupId", "rg\n", false},
		{"ExternalStorageLocation", "/path/to", true},
		{"ExternalStorageLocation", "oss://bucket/prefix?x=1", true},
		{"ExternalStorageLocation", long("/", 256), true},
		{"ExternalStorageLocation", long("/", 257), false},
		{"ExternalStorageLocation", long("/", 900_000), false},
		{"ExternalStorageLocation", "/a b", false},
		{"ExternalStorageLocation", " /a", false},
		{"ExternalStorageLocation", "/a\x00", false},
		{"ExternalStorageLocation", "/\u202e", false},
	} {
		want := fault.Code("")
		if !c.ok {
			want = fault.InvalidArgument
		}
		create := cloudflow.CreateFlowRequest{Name: fmt.Sprintf("new%d", i), Definition: passFlow}
		update := cloudflow.UpdateFlowRequest{Name: "there"}
		switch c.parameter {
		case "RoleArn":
			create.RoleArn, update.RoleArn = c.text, &c.text
		case "ResourceGroupId":
			create.ResourceGroupID = c.text
		default:
			create.ExternalStorageLocation, update.ExternalStorageLocation = c.text, &c.text
		}
		_, err := s.CreateFlow(t.Context(), caller, create)
		if fault.CodeOf(err) != want || err != nil && !strings.Contains(err.Error(), c.parameter) {
			t.Errorf("create with %s %.60q: %v", c.parameter, c.text, err)
		}
		if c.parameter == "ResourceGroupId" {
			continue // no update has this field
		}
		if _, err := s.UpdateFlow(t.Context(), caller, update); fault.CodeOf(err) != want ||
			err != nil && len(err.Error()) > 2000 {
			t.Errorf("update to %s %.60q: %v", c.parameter, c.text, err)
		}
	}
}

// TestUpdatesShowWhatWasSent: without fnf:DescribeFlow, the response of an update shows only the
// fields that the update sent, and a rejection names no role and no flow that were not sent.
func TestUpdatesShowWhatWasSent(t *testing.T) {
	const role = "acs:ram::1:role/hidden"
	starts := "version: v1\ntype: flow\nsteps:\n- type: task\n  name: hidden-state\n  " +
		"resourceArn: acs:fnf:::flow/hidden-flow\n"
	text := func(s string) *string { return &s }
	whole := cloudflow.UpdateFlowRequest{
		Definition:              text(passFlow),
		Description:             text("hidden"),
		Type:                    text("FDL"),
		RoleArn:                 text(role),
		Environment:             text(`{"Variables":[{"Name":"A","Value":"hidden"}]}`),
		ExternalStorageLocation: text("/hidden"),
		HiddenPaths:             text(`["hidden"]`),
		SearchKeys:              text(`[{"Name":"hidden","Path":"$Input.x"}]`),
	}
	s := newService()
	author := cloudflow.Caller{Account: account}
	if _, err := s.CreateFlow(t.Context(), author, cloudflow.CreateFlowRequest{
		Name:                    "mine",
		Definition:              passFlow,
		Description:             "hidden",
		RoleArn:                 role,
		Environment:             *whole.Environment,
		ExternalStorageLocation: "/hidden",
		ResourceGroupID:         "hidden",
		HiddenPaths:             *whole.HiddenPaths,
		SearchKeys:              *whole.SearchKeys,
	}); err != nil {
		t.Fatal(err)
	}
	blind := cloudflow.Caller{Account: account, May: mayOf("Allow * *", "Deny fnf:DescribeFlow *")}
	fields := reflect.TypeFor[cloudflow.UpdateFlowRequest]()
	for sent := range fields.NumField() {
		name := fields.Field(sent).Name
		q := cloudflow.UpdateFlowRequest{}
		if name != "Name" { // an update with a name alone changes nothing
			reflect.ValueOf(&q).Elem().Field(sent).Set(reflect.ValueOf(whole).Field(sent))
		}
		q.Name = "mine"
		f, err := s.UpdateFlow(t.Context(), blind, q)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.ValueOf(*f)
		for i := range got.NumField() {
			field := got.Type().Field(i).Name
			want := field == name || slices.Contains([]string{"ID", "Name", "CreatedTime",
				"LastModifiedTime"}, field)
			if shown := !got.Field(i).IsZero(); shown != want {
				t.Errorf("an update of %s shows %s: %v", name, field, got.Field(i))
			}
		}
	}
	empty := cloudflow.UpdateFlowRequest{Name: "mine", Definition: text(""), Type: text("")}
	if f, err := s.UpdateFlow(t.Context(), blind, empty); err != nil || f.Definition+f.Type != "" {
		t.Errorf("%v, %v", f, err)
	}
	if f, err := s.UpdateFlow(t.Context(), author,
		cloudflow.UpdateFlowRequest{Name: "mine"}); err != nil || f.Definition != passFlow {
		t.Errorf("the owner sees %v, %v", f, err)
	}

	for _, c := range []struct {
		role, definition string // of the flow
		deny             string
		q                cloudflow.UpdateFlowRequest
	}{
		{role, passFlow, "ram:PassRole", cloudflow.UpdateFlowRequest{Definition: text(passFlow)}},
		{role, passFlow, "ram:PassRole", cloudflow.UpdateFlowRequest{Environment: text("{}")}},
		{role, passFlow, "fnf:DeleteFlow", cloudflow.UpdateFlowRequest{Definition: text(
			strings.ReplaceAll(starts, "hidden", "own"))}},
		{"", starts, "fnf:StartExecution", cloudflow.UpdateFlowRequest{Environment: text("{}")}},
		{role, starts, "fnf:StartExecution", cloudflow.UpdateFlowRequest{RoleArn: text("")}},
	} {
		s := newServiceOn(memstore.New())
		create := cloudflow.CreateFlowRequest{
			Name:       "mine",
			Definition: c.definition,
			RoleArn:    c.role,
		}
		if _, err := s.CreateFlow(t.Context(), author, create); err != nil {
			t.Fatal(err)
		}
		s.Rights = func(string, string, string) (access.May, error) {
			return mayOf("Allow fnf:* acs:fnf:*:*:flow/mine"), nil
		}
		c.q.Name = "mine"
		for _, hidden := range []bool{true, false} {
			rights := []string{"Allow * *", "Deny " + c.deny + " *"}
			if hidden {
				rights = append(rights, "Deny fnf:DescribeFlow *")
			}
			_, err := s.UpdateFlow(t.Context(),
				cloudflow.Caller{Account: account, May: mayOf(rights...)}, c.q)
			if fault.CodeOf(err) != fault.AccessDenied ||
				strings.Contains(err.Error(), "hidden") == hidden {
				t.Errorf("%+v, without the right to see the flow %v: %v", c.q, hidden, err)
			}
		}
	}
}

// TestFlowTargetsAreReadAsTheyAreCalled: the check of a definition finds the same flow that its
// task would start, in every form of the task.
func TestFlowTargetsAreReadAsTheyAreCalled(t *testing.T) {
	stateMachine := func(parameters string) string {
		return "Type: StateMachine\nSpecVersion: v1\nName: mine\nStartAt: a\n" +
			"States:\n- {Name: a, " +
			"Type: Task, Action: 'FNF:StartExecution', Parameters: {" + parameters +
			"}, End: true}\n"
	}
	for name, c := range map[string]struct {
		definition string
		want       fault.Code
	}{
		"StateMachine": {stateMachine("resourceArn: 'acs:fnf:::flow/secret'"),
			fault.AccessDenied},
		"StateMachine, its own": {stateMachine("resourceArn: 'acs:fnf:::flow/mine', FlowName: " +
			"secret"), ""},
		"StateMachine, computed": {stateMachine("resourceArn.$: $Input.flow"), ""},
		"FlowV1 action": {"version: v1\ntype: flow\nsteps:\n- {type: task, name: a, action: " +
			"'fnf:StartExecution', serviceParams: {FlowName: secret}}\n",
			fault.AccessDenied},
		"FlowV1 action of its own": {"version: v1\ntype: flow\nsteps:\n- {type: task, name: a, " +
			"action: 'fnf:StartExecution', serviceParams: {FlowName: mine, flowname: secret}}\n",
			""},
		"FlowV1 resource": {"version: v1\ntype: flow\nsteps:\n- {type: task, name: a, " +
			"resourceArn: 'acs:fnf:::flow/secret', serviceParams: {FlowName: mine}}\n",
			fault.AccessDenied},
	} {
		s := newService()
		caller := cloudflow.Caller{Account: account, May: mayOf("Allow fnf:* acs:fnf:*:*:flow/mine",
			"Allow fnf:CreateFlow *")}
		_, err := s.CreateFlow(t.Context(), caller, cloudflow.CreateFlowRequest{
			Name:       "mine",
			Definition: c.definition,
		})
		if got := fault.CodeOf(err); got != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
