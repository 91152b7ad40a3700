package cli_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"millrace/shared/cloudflow"
)

// hostile holds what a terminal interprets or does not show: C0 and C1 control characters, DEL,
// characters that change the writing direction or have no width, line separators, tags, private and
// unassigned characters.
var hostile = func() string {
	var b strings.Builder
	b.WriteString("a<&>é東\U0001F600")
	for r := rune(1); r < 0xa0; r++ {
		if r < ' ' || r >= 0x7f {
			b.WriteRune(r)
		}
	}
	for _, table := range []*unicode.RangeTable{unicode.Cf, unicode.Zl, unicode.Zp} {
		for _, r := range table.R16 {
			b.WriteRune(rune(r.Lo))
			b.WriteRune(rune(r.Hi))
		}
		for _, r := range table.R32 {
			b.WriteRune(rune(r.Lo))
			b.WriteRune(rune(r.Hi))
		}
	}
	b.WriteString("\uFEFF\uE000\uFFFE\U0010FFFD\U000E0041\u3000z")
	return b.String()
}()

// dirty returns, quoted, the first character that must not reach a terminal; "" if there is none.
func dirty(text string) string {
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"),
			r != '\n' && r != '\t' && unicode.IsControl(r),
			unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
			return fmt.Sprintf("%U in %q", r, text[max(0, i-30):min(len(text), i+10)])
		}
	}
	return ""
}

// quoted returns text as JSON with only the necessary escapes.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		if r < ' ' || r == '"' || r == '\\' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// hostileAPI returns an API in which every text is hostile.
func hostileAPI(status string) *fakeAPI {
	f := succeeding()
	object := `{` + quoted(hostile) + `:` + quoted(hostile) + `}`
	f.flows = []cloudflow.Flow{{
		ID: hostile, Name: hostile, Definition: good + "# " + hostile, Description: hostile,
		RoleArn: hostile, ExternalStorageLocation: hostile, CreatedTime: began,
		LastModifiedTime: began,
	}}
	f.end.Status, f.end.Input, f.end.Output = status, object, object
	for i := range f.events {
		e := &f.events[i]
		e.StepName, e.Detail = hostile,
			`{"cause":`+quoted(hostile)+`,"error":`+quoted(hostile)+`,"x":`+object+`}`
	}
	f.events[len(f.events)-1].Type = "Execution" + status
	return f
}

// TestNothingHostileIsPrinted runs every command, in every format, over texts of another author.
// Neither stream may have a character that a terminal interprets.
func TestNothingHostileIsPrinted(t *testing.T) {
	flowFile := write(t, "f.yaml", good+"# \""+hostile+"\n")
	wrongFile := write(t, "w.yaml",
		"Type: StateMachine\nName: "+quoted(hostile)+"\nStartAt: "+quoted(hostile)+"\n"+
			quoted(hostile)+": 1\nStates: []\n")
	caseFile := write(t, "h.cases.yaml",
		"flow: "+flowFile+"\ncases:\n- name: "+quoted(hostile)+"\n  expect: {status: Failed, "+
			"output: {a: "+quoted(hostile)+"}}\n")
	rightsFile := write(t, "credentials.yaml",
		"accounts: [{id: '1', keys: [{id: k, secret: a-secret-of-24-characters, policies: "+
			"[{Version: '1', Statement: "+
			"[{Effect: Allow, Action: 'fnf:*', Resource: "+
			quoted("acs:fnf:*:*:flow/"+hostile)+"}]}]}]}]\n")
	input := `{"a":` + quoted(hostile) + `}`
	commands := map[string][][]string{
		"serve":    {{"--listen", hostile}},
		"console":  {{"--listen", hostile}},
		"validate": {{wrongFile}, {flowFile, "--name", hostile}, {hostile}},
		"test": {{caseFile}, {caseFile, "--verbose"}, {caseFile, "--run", hostile},
			{hostile}},
		"version":     {nil},
		"completion":  {{"bash"}, {"zsh"}, {"fish"}, {"powershell"}, {hostile}},
		"flow create": {{"n" + hostile, flowFile}, {hostile, wrongFile}, {hostile, flowFile}},
		"flow update": {
			{hostile, flowFile}, {hostile, wrongFile}, {hostile, "--description", hostile},
			{"no" + hostile, flowFile},
		},
		"flow apply": {{"m" + hostile, flowFile}, {hostile, flowFile}, {hostile, wrongFile},
			{hostile, flowFile, "--publish"}},
		"flow describe": {{hostile}, {"no" + hostile}, {hostile, "--definition"}},
		"flow list":     {nil},
		"flow publish":  {{hostile}, {"no" + hostile}, {hostile, "--description", hostile}},
		"flow versions": {{hostile}, {"no" + hostile}, {hostile, "--delete", hostile}},
		"flow alias": {
			{hostile}, {hostile, hostile}, {hostile, hostile, hostile},
			{hostile, hostile, hostile + "=" + hostile}, {hostile, hostile, "--delete"},
			{hostile, hostile, hostile, "--over", "1ms"}, {"no" + hostile, hostile},
			{hostile, hostile, "1=90", "2=10"}, {hostile, hostile, "--description", hostile},
		},
		"graph": {{flowFile}, {wrongFile}, {hostile}, {"shapes"},
			{"shapes", "--execution", hostile}, {"shapes", "--format", hostile},
			{"shapes", "--execution", hostile, "--format", "dot"}},
		"flow delete": {{hostile, "no" + hostile, "--yes"}, {hostile}},
		"schedule create": {{hostile, hostile, hostile, "--description", hostile, "--payload", input},
			{"no" + hostile, "s", "@every 5m"}, {hostile, "s", "@every 5m", "--payload", hostile}},
		"schedule update":   {{hostile, hostile, "--expression", hostile}, {hostile, hostile}},
		"schedule describe": {{hostile, hostile}, {"no" + hostile, hostile}},
		"schedule list":     {{hostile}, {"no" + hostile}},
		"schedule enable":   {{hostile, hostile}},
		"schedule disable":  {{hostile, hostile}},
		"schedule delete":   {{hostile, hostile, hostile}, {"no" + hostile, hostile}},
		"bulk stop": {{hostile, hostile, "--yes"}, {hostile, "--prefix", hostile, "--yes"},
			{hostile, hostile, "--dry-run"}, {hostile, hostile, "--since", hostile}},
		"bulk start":    {{hostile, hostile, "--yes", "--reason", hostile}},
		"bulk delete":   {{hostile, hostile, "--yes"}},
		"bulk redrive":  {{hostile, hostile, "--yes"}},
		"bulk describe": {{hostile, hostile}, {"no" + hostile, hostile}},
		"bulk results":  {{hostile, hostile}, {"no" + hostile, hostile}},
		"bulk list":     {{hostile}, {"no" + hostile}},
		"bulk cancel":   {{hostile, hostile}},
		"start": {
			{hostile, "--input", input}, {hostile, "--name", "used"},
			{hostile, "--wait", "--input", input}, {hostile, "--sync"}, {"no" + hostile},
			{hostile, "--input", hostile}, {hostile, "--input", "@" + hostile},
		},
		"describe": {{hostile, hostile}, {hostile, "x", "--wait"}, {hostile, "none"}},
		"history": {{hostile, hostile}, {hostile, hostile, "--full"},
			{hostile, hostile, "--follow"}},
		"list":     {nil, {hostile}, {hostile, "--since", hostile}},
		"stop":     {{hostile, hostile, "--error", hostile, "--cause", hostile}},
		"failures": {nil, {hostile}, {hostile, "--group-by", hostile}, {"no" + hostile}},
		"why":      {{hostile, hostile}, {"no" + hostile, hostile}},
		"flow search-keys": {{hostile}, {hostile, hostile}, {hostile, `k=$Input["` + hostile + `"]`},
			{"no" + hostile, "--clear"}},
		"execution delete": {{hostile, hostile, "runs" + hostile}, {"no" + hostile, hostile}},
		"prune": {{hostile, "--older-than", "1d", "--yes"}, {hostile, "--older-than", hostile},
			{hostile, "--older-than", "1d", "--dry-run", "--prefix", hostile}},
		"redrive": {{hostile, hostile}, {hostile, "x", "--wait"}},
		"report succeeded": {
			{"--token", hostile, "--output-json", input},
			{"--token", hostile, "--result", hostile},
		},
		"rights": {
			{rightsFile}, {hostile}, {rightsFile, "--check", rightsFile},
			{rightsFile, "--check", hostile},
		},
		"report failed": {{"--token", hostile, "--error", hostile},
			{hostile, hostile, hostile, "--error", hostile}},
	}
	covered(t, commands)
	commands["help"] = [][]string{{hostile}, {"flow", hostile}}
	commands[hostile] = [][]string{nil}
	for name, calls := range commands {
		for _, args := range calls {
			for _, status := range []string{"Succeeded", "Failed", "TimedOut", hostile} {
				for _, format := range []string{"table", "json", "data", hostile} {
					follows := slices.Contains(args, "--wait") || slices.Contains(args, "--follow")
					if follows && status == hostile {
						continue // it would wait forever
					}
					s := newShell(t, hostileAPI(status))
					s.terminal = true
					all := append(strings.Fields(name), args...)
					if name != "serve" && name != "version" && name != "help" && name != "rights" &&
						name != "completion" && name != hostile {
						all = append(all, "--output", format)
					}
					_, out, errs := s.run(all...)
					for stream, text := range map[string]string{"stdout": out, "stderr": errs} {
						if bad := dirty(text); bad != "" {
							t.Errorf("%q: %s has %s", all, stream, bad)
						}
					}
					if (format == "json" || format == "data") && out != "" &&
						name != "version" && name != "completion" && name != "graph" && len(args) < 3 {
						sameJSON(t, all, out)
					}
				}
			}
		}
	}
}

// sameJSON checks that the output is a sequence of JSON documents.
func sameJSON(t *testing.T, args []string, text string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	for d.More() {
		var v any
		if err := d.Decode(&v); err != nil {
			if len(args) > 1 && strings.Join(args[:2], " ") == "flow describe" ||
				args[0] == "version" || args[0] == "help" {
				return // a definition without JSON
			}
			t.Errorf("%q prints no JSON: %v", args, err)
			return
		}
	}
}

// covered fails the test for each command of the help that is not in calls.
func covered(t *testing.T, calls map[string][][]string) {
	t.Helper()
	s := newShell(t, succeeding())
	_, help, _ := s.run("help")
	help, _, _ = strings.Cut(help, "Examples:")
	found := 0
	for line := range strings.Lines(help) {
		words := strings.Fields(line)
		if !strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "   ") || len(words) == 0 {
			continue
		}
		if calls[words[0]] == nil && (len(words) < 2 || calls[words[0]+" "+words[1]] == nil) {
			t.Errorf("no call of %q", line)
		}
		found++
	}
	if found != len(calls) {
		t.Errorf("%d commands in the help, %d are called", found, len(calls))
	}
}

// TestJSONKeepsHostileValues checks that escaping does not change a value.
func TestJSONKeepsHostileValues(t *testing.T) {
	s := newShell(t, hostileAPI("Succeeded"))
	_, out, _ := s.run("start", hostile, "--wait", "--quiet")
	var output map[string]string
	if err := json.Unmarshal([]byte(out), &output); err != nil || output[hostile] != hostile {
		t.Errorf("%v: %s", err, out)
	}
	_, out, _ = s.run("flow", "describe", hostile, "--output", "json")
	var flow struct{ Name, Description, Definition string }
	if err := json.Unmarshal([]byte(out), &flow); err != nil || flow.Name != hostile ||
		flow.Description != hostile || !strings.HasSuffix(flow.Definition, hostile) {
		t.Errorf("%v: %s", err, out)
	}
	_, out, _ = s.run("history", hostile, "e", "--output", "json")
	var history struct{ Events []struct{ StepName string } }
	if err := json.Unmarshal([]byte(out), &history); err != nil || len(history.Events) == 0 ||
		history.Events[1].StepName != hostile {
		t.Errorf("%v: %s", err, out)
	}
	_, out, _ = s.run("flow", "describe", hostile, "--definition")
	if out != good+"# "+hostile {
		t.Errorf("a file gets another definition: %q", out)
	}
}

// TestByteOrderMark checks that a byte order mark is not part of a value or a definition.
func TestByteOrderMark(t *testing.T) {
	s := newShell(t, succeeding())
	object := write(t, "o.json", "\uFEFF{\"id\":7}\n")
	s.expect(0, nil, nil, "start", "orders", "--input", "@"+object)
	s.expect(0, nil, nil, "report", "succeeded", "--token", "@"+write(t, "t", "\uFEFFtoken\r\n"),
		"--output-json", "@"+object)
	s.stdin = "\uFEFF{\"id\":7}"
	s.expect(0, nil, nil, "start", "orders", "--input", "-")
	s.expect(0, nil, nil, "start", "orders", "--input", s.stdin)
	for _, request := range s.api.requests {
		if strings.Contains(request, "\uFEFF") || !strings.Contains(request, `{"id":7}`) {
			t.Errorf("sent %q", request)
		}
	}
	if len(s.api.requests) != 4 {
		t.Errorf("sent %q", s.api.requests)
	}
	definition := write(t, "f.yaml", "\uFEFF"+good)
	s.expect(0, []string{"no errors"}, nil, "validate", definition)
	s.expect(0, nil, nil, "flow", "create", "marked", definition)
	cases := write(t, "c.cases.yaml",
		"\uFEFFflow: "+definition+"\ncases:\n- name: a\n  expect: {status: Succeeded}\n")
	s.expect(0, []string{"1 passed"}, nil, "test", cases)
}

// TestEndpointsWithoutScheme checks that only this machine is reached without TLS unless http:// is
// given, and that no token is sent to another machine over plain HTTP.
func TestEndpointsWithoutScheme(t *testing.T) {
	s := newShell(t, succeeding())
	bare := strings.TrimPrefix(s.url, "http://")
	s.expect(0, []string{"orders"}, nil, "flow", "list", "--endpoint", bare)
	s.expect(0, []string{"orders"}, nil, "flow", "list", "--endpoint",
		"localhost:"+strings.Split(bare, ":")[1])
	s.expect(3, nil, []string{"https://flows.invalid:1"}, "flow", "list", "--endpoint",
		"flows.invalid:1")
	s.expect(3, nil, []string{"https://flows.invalid"}, "flow", "list", "--endpoint",
		"flows.invalid", "--bearer-token", "b")
	for _, endpoint := range []string{"http://flows.invalid", "HTTP://10.0.0.1:8642"} {
		s.expect(2, nil, []string{"a bearer token is not sent over plain HTTP", "https://"}, "flow",
			"list", "--endpoint", endpoint, "--bearer-token", "b")
		for _, args := range [][]string{
			{"report", "succeeded", "--token", "t"},
			{"report", "failed", "--token", "t", "--error", "e"},
			{"start", "orders", "--callback-token", "t"},
		} {
			s.expect(2, nil, []string{"a task token is not sent over plain HTTP"},
				append(args, "--endpoint", endpoint)...)
		}
	}
	s.env["ALIBABA_CLOUD_BEARER_TOKEN"], s.env["MILLRACE_ENDPOINT"] = "b", "http://flows.invalid"
	s.expect(2, nil, []string{"a bearer token is not sent over plain HTTP"}, "flow", "list")
}
