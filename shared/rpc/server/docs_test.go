package server_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/rpc/server"
)

// apiPage is docs/api.md.
type apiPage string

func readAPIPage(t *testing.T) apiPage {
	t.Helper()
	text, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	return apiPage(text)
}

// section returns the text under a heading of the third level, "" if there is none.
func (p apiPage) section(name string) string {
	_, rest, _ := strings.Cut(string(p), "\n### "+name+"\n")
	if end := regexp.MustCompile(`(?m)^#{2,3} `).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	return rest
}

// rows returns the rows of all tables of a text that begin with this header cell, without their
// backquotes.
func rows(text, head string) (found [][]string) {
	inside := false
	for line := range strings.Lines(text) {
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		switch cells := strings.Split(strings.TrimSuffix(row, "|"), "|"); {
		case !isRow:
			inside = false
		case strings.TrimSpace(cells[0]) == head:
			inside = true
		case inside && !strings.HasPrefix(cells[0], " ---"):
			for i := range cells {
				cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "`", "")
			}
			found = append(found, cells)
		}
	}
	return found
}

// TestAPIPageOperations checks that docs/api.md describes the operations that the server has, and
// lists those that it has not.
func TestAPIPageOperations(t *testing.T) {
	page := readAPIPage(t)
	unserved := page.section("Operations without service")
	for _, name := range access.Operations {
		switch served := server.IsOperation(name); {
		case served && page.section(name) == "":
			t.Errorf("the page does not describe %s", name)
		case served && strings.Contains(unserved, "`"+name+"`"):
			t.Errorf("the page says that %s is not served", name)
		case !served && !strings.Contains(unserved, "`"+name+"`"):
			t.Errorf("the page does not say that %s is not served", name)
		}
	}
}

// example is a valid value of a parameter, by its type on the page.
var example = map[string]string{
	"text": "a", "time": "2026-11-22T10:35:00Z", "JSON": "{}", "integer": "5", "boolean": "true",
	"number": "12.5",
}

// TestAPIPageParameters checks that each operation reads the parameters that docs/api.md lists, and
// no others, with the types and requirements that the page names.
func TestAPIPageParameters(t *testing.T) {
	page := readAPIPage(t)
	for _, name := range served() {
		list := rows(page.section(name), "parameter")
		all := url.Values{}
		for _, row := range list {
			value, ok := example[row[1]]
			if !ok {
				t.Fatalf("%s: %s has no type of the page: %q", name, row[0], row[1])
			}
			all.Set(row[0], value)
		}
		request, code := ask(t, name, all)
		if code != "" {
			t.Fatalf("%s with all parameters: %s", name, code)
		}
		for _, field := range emptyFields(request) {
			if name != "StartSyncExecution" || field != "CallbackToken" { // it has none
				t.Errorf("%s: the page lacks the parameter for %s", name, field)
			}
		}
		for _, row := range list {
			checkParameter(t, name, row, all, request)
		}
	}
}

func served() []string {
	return slices.DeleteFunc(slices.Clone(access.Operations), func(name string) bool {
		return !server.IsOperation(name)
	})
}

// ask sends a request and returns what the service got, or the code of the error.
func ask(t *testing.T, operation string, values url.Values) (request any, code string) {
	t.Helper()
	values = maps.Clone(values)
	values.Set("Action", operation)
	values.Set("Version", "2019-03-15")
	api := &fakeAPI{}
	w := serve(server.Options{API: api}, raw("GET", "/?"+values.Encode(), "", ""))
	var response struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil {
		t.Fatal(err)
	}
	return api.request, response.Code
}

// emptyFields returns the names of the fields of a request that no parameter has set.
func emptyFields(request any) (names []string) {
	if request == nil {
		return nil
	}
	v := reflect.ValueOf(request)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return names
}

// checkParameter checks a row of a table of parameters: name, type, required.
func checkParameter(t *testing.T, operation string, row []string, all url.Values, full any) {
	t.Helper()
	without := maps.Clone(all)
	without.Del(row[0])
	request, code := ask(t, operation, without)
	switch required := code == string(fault.MissingRequiredParams); {
	case required != (row[2] == "yes"):
		t.Errorf("%s: %s is required: %v, the page says %s", operation, row[0], required, row[2])
	case !required && reflect.DeepEqual(request, full):
		t.Errorf("%s does not read %s", operation, row[0])
	}
	without.Set(row[0], "x")
	_, code = ask(t, operation, without)
	if typed := row[1] == "integer" || row[1] == "boolean" || row[1] == "number"; typed != (code != "") {
		t.Errorf("%s: %s is %s on the page; for x the response is %q", operation, row[0], row[1],
			code)
	}
}

// TestAPIPageMembers checks that docs/api.md lists the members of each response, and no others.
func TestAPIPageMembers(t *testing.T) {
	page := readAPIPage(t)
	_, reports, _ := strings.Cut(string(page), "\n## Reports of tasks\n")
	reports, _, _ = strings.Cut(reports, "\n### ")
	for _, name := range served() {
		section := page.section(name)
		text := section
		for anchor, of := range map[string]string{
			"#a-flow": page.section("A flow"), "#an-execution": page.section("An execution"),
			"#reports-of-tasks": reports, "#a-version": page.section("A version"),
			"#an-alias":         page.section("An alias"),
			"#a-schedule":       page.section("A schedule"),
			"#a-bulk-operation": page.section("A bulk operation"),
		} {
			if strings.Contains(section, "("+anchor+")") {
				text += of
			}
		}
		described := map[string]bool{"RequestId": true}
		var always []string
		for _, row := range rows(text, "member") {
			described[row[0]] = true
			if !strings.HasPrefix(row[2], "only if") && row[0] != "NextToken" {
				always = append(always, row[0])
			}
		}
		got := membersOf(t, name, page)
		for member := range got {
			if !described[member] && !strings.Contains(text, `"`+member+`"`) {
				t.Errorf("%s: the page lacks the member %s", name, member)
			}
		}
		for _, member := range always {
			if !got[member] {
				t.Errorf("%s: the response has no %s", name, member)
			}
		}
	}
}

// membersOf returns the names of the members of a response, those of inner objects included.
func membersOf(t *testing.T, operation string, page apiPage) map[string]bool {
	t.Helper()
	values := url.Values{"Action": {operation}, "Version": {"2019-03-15"}}
	for _, row := range rows(page.section(operation), "parameter") {
		if row[2] == "yes" {
			values.Set(row[0], "a")
		}
	}
	w := serve(server.Options{API: &fakeAPI{}}, raw("GET", "/?"+values.Encode(), "", ""))
	var body any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 200 {
		t.Fatalf("%s: %s", operation, w.Body)
	}
	names := map[string]bool{}
	collectNames(body, names)
	return names
}

func collectNames(v any, names map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collectNames(e, names)
		}
	case map[string]any:
		for name, e := range v {
			names[name] = true
			collectNames(e, names)
		}
	}
}

// TestAPIPageErrors checks that docs/api.md lists every error code with its HTTP status and whether
// a client may retry, and that operations name no others.
func TestAPIPageErrors(t *testing.T) {
	page := readAPIPage(t)
	listed := map[string]bool{}
	for _, row := range rows(page.section("Errors"), "code") {
		code := fault.Code(row[0])
		listed[row[0]] = true
		if status := strconv.Itoa(code.Status()); row[1] != status {
			t.Errorf("%s has the status %s, the page says %s", code, status, row[1])
		}
		if retry := strings.HasPrefix(row[2], "*retry*"); retry != code.Retryable() {
			t.Errorf("%s: retry is %v, the page says %v", code, code.Retryable(), retry)
		}
	}
	codes := faultCodes(t)
	for code := range codes {
		if !listed[code] {
			t.Errorf("the page lacks %s", code)
		}
	}
	for code := range listed {
		if !codes[code] {
			t.Errorf("the page has %s, which is no code", code)
		}
	}
	withStatus := regexp.MustCompile("\\b(\\d{3}) `(\\w+)`")
	for _, m := range withStatus.FindAllStringSubmatch(string(page), -1) {
		if status := strconv.Itoa(fault.Code(m[2]).Status()); !codes[m[2]] || m[1] != status {
			t.Errorf("the page says %s for %s, whose status is %s", m[1], m[2], status)
		}
	}
}

// faultCodes returns the codes that package fault declares.
func faultCodes(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" && len(spec.Values) == 1 {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes[text] = true
		}
		return true
	})
	if len(codes) < 20 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	return codes
}

// TestAPIPageEvents checks that docs/api.md lists the types of history events.
func TestAPIPageEvents(t *testing.T) {
	listed := map[string]bool{}
	for _, row := range rows(readAPIPage(t).section("GetExecutionHistory"), "type") {
		listed[row[0]] = true
	}
	known := 0
	for n := range 256 {
		if name := flow.EventType(n).String(); name != "Unknown" {
			if known++; !listed[name] {
				t.Errorf("the page lacks %s", name)
			}
		}
	}
	if known != len(listed) {
		t.Errorf("the page has %d types, there are %d", len(listed), known)
	}
}
