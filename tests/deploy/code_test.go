package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"millrace/tests/deploy"
)

// probed is the output of testdata/probe.go.
type probed struct {
	Table deploy.Object
	TTL   string
	// Events are by file name.
	Events map[string]struct {
		Kind, Error, Request    string
		Hints, Outcomes, Starts []string
	}
}

// probe runs in the product's own module. This module then needs none of the product's
// dependencies.
var probe = sync.OnceValues(func() (p probed, err error) {
	events, err := filepath.Glob("../clouds/lambda/events/*.json")
	if err != nil {
		return p, err
	}
	args := []string{"run", "./tests/deploy/testdata/probe.go"}
	for _, e := range events {
		if name := filepath.Base(e); name != "env.json" && name != "table.json" {
			args = append(args, filepath.Join("tests/deploy", e))
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return p, fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	return p, json.Unmarshal(out, &p)
})

// clean removes unset fields from a structure of an SDK.
func clean(v any) any {
	switch v := v.(type) {
	case deploy.Object:
		out := deploy.Object{}
		for name, e := range v {
			if e = clean(e); e != nil {
				out[name] = e
			}
		}
		return out
	case []any:
		var out []any
		for _, e := range v {
			out = append(out, clean(e))
		}
		if out == nil {
			return nil
		}
		return out
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

// tableDifference describes how the template's table differs from the one that the code creates; ""
// if they are equal.
func tableDifference(s *deploy.Stack, p probed) string {
	want := clean(p.Table).(deploy.Object)
	delete(want, "TableName")
	for name, w := range want {
		if got := s.Property("StateTable", name); !reflect.DeepEqual(sorted(got), sorted(w)) {
			return fmt.Sprintf("%s: the template has %v, the code %v", name, got, w)
		}
	}
	for _, name := range []string{"LocalSecondaryIndexes", "StreamSpecification",
		"ProvisionedThroughput"} {
		if s.Property("StateTable", name) != nil && want[name] == nil {
			return name + ": only the template has it"
		}
	}
	got := s.Property("StateTable", "TimeToLiveSpecification")
	if !reflect.DeepEqual(got, deploy.Object{"AttributeName": p.TTL, "Enabled": true}) {
		return fmt.Sprintf("time to live: the template has %v, the code %s", got, p.TTL)
	}
	return ""
}

// sorted sorts the lists whose order has no meaning: attributes and indexes. The order of a key's
// parts has a meaning.
func sorted(v any) any {
	list, ok := v.([]any)
	if !ok || deploy.Text(list, 0, "KeyType") != "" {
		return v
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b any) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	return list
}

func TestTable(t *testing.T) {
	p, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	if d := tableDifference(stack(t, load(t), minimal), p); d != "" {
		t.Error(d)
	}
	for _, m := range [][2]string{
		{"{AttributeName: p, KeyType: HASH}, {AttributeName: s, KeyType: RANGE}",
			"{AttributeName: s, KeyType: HASH}, {AttributeName: p, KeyType: RANGE}"},
		{`AttributeName: w, AttributeType: "N"`, "AttributeName: w, AttributeType: S"},
		{"ProjectionType: KEYS_ONLY", "ProjectionType: ALL"},
		{"NonKeyAttributes: [i]", "NonKeyAttributes: [i, d]"},
		{"AttributeName: x, Enabled: true", "AttributeName: e, Enabled: true"},
		{"AttributeName: x, Enabled: true", "AttributeName: x, Enabled: false"},
		{"BillingMode: PAY_PER_REQUEST", "BillingMode: PROVISIONED"},
		{"IndexName: list", "IndexName: lists"},
	} {
		if d := tableDifference(stack(t, mutated(t, m[0], m[1]), minimal), p); d == "" {
			t.Errorf("%q for %q goes unnoticed", m[1], m[0])
		}
	}
}

// localFile reads a file for local runs.
func localFile(t *testing.T, name string) (doc deploy.Object) {
	t.Helper()
	text, err := os.ReadFile("../clouds/lambda/events/" + name)
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestLocalTable: the table for local runs is also the one that the code creates.
func TestLocalTable(t *testing.T) {
	p, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	got, want := localFile(t, "table.json"), clean(p.Table).(deploy.Object)
	delete(got, "TableName")
	delete(want, "TableName")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("table.json has %v, the code %v", got, want)
	}
}

// TestLocalVariables: `sam local` passes on only the variables that the template has.
func TestLocalVariables(t *testing.T) {
	s := stack(t, load(t), full)
	for name := range localFile(t, "env.json")["Parameters"].(deploy.Object) {
		known := false
		for _, f := range s.Names("AWS::Serverless::Function") {
			known = known || s.Property(f, "Environment", "Variables", name) != nil
		}
		if !known {
			t.Errorf("env.json sets %s, which no function has", name)
		}
	}
}

// TestEvents: the functions accept the events for `sam local invoke`.
func TestEvents(t *testing.T) {
	p, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"api": "an HTTP request", "steprunner": "a queue batch",
		"sweeper": "a tick of the scheduler", "starter": ""}
	seen := map[string]bool{}
	for file, e := range p.Events {
		function, _, _ := strings.Cut(strings.TrimSuffix(file, ".json"), "-")
		kind, ok := kinds[function]
		seen[function] = true
		switch {
		case !ok:
			t.Errorf("%s is for no function", file)
		case e.Error != "":
			t.Errorf("%s: %s", file, e.Error)
		case kind != "" && e.Kind != kind:
			t.Errorf("%s is %s", file, e.Kind)
		case function == "steprunner" && len(e.Hints)+len(e.Outcomes) == 0:
			t.Errorf("%s holds no message of the queue", file)
		case function == "starter" && len(e.Starts) == 0 && !strings.Contains(file, "test-event"):
			t.Errorf("%s starts nothing", file)
		}
	}
	if len(seen) != len(kinds) {
		t.Errorf("there are events for %v only", slices.Sorted(maps.Keys(seen)))
	}
}

// TestMakefile: every function that `sam build` builds has a target and a program.
func TestMakefile(t *testing.T) {
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"ApiFunction": "api", "ExpressFunction": "api",
		"StepRunnerFunction": "steprunner", "StarterFunction": "starter",
		"SweeperFunction": "sweeper"}
	s := stack(t, load(t), full)
	for _, f := range s.Names("AWS::Serverless::Function") {
		if deploy.Text(s.Resources[f], "Metadata", "BuildMethod") != "makefile" ||
			deploy.Text(s.Property(f, "CodeUri")) != "." {
			t.Errorf("%s is not built by the Makefile at the root", f)
		}
		cmd := exec.Command("make", "-n", "build-"+f, "ARTIFACTS_DIR=/artifacts",
			"LAMBDA_ARCH=arm64")
		cmd.Dir = "../.."
		out, err := cmd.CombinedOutput()
		for _, want := range []string{"GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "-trimpath",
			"-tags lambda.norpc", `-o "/artifacts/bootstrap"`, "./functions/" +
				programs[f] + "\n"} {
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("make build-%s: %v, no %q in %s", f, err, want, out)
			}
		}
		if !strings.Contains(string(text), "build-"+f) {
			t.Errorf("build-%s is not in the Makefile", f)
		}
	}
}
