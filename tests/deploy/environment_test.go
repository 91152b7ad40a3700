package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"millrace/tests/deploy"
)

// variables lists the environment variables of each function. A function does not get variables
// that it does not need.
var variables = map[string][]string{
	"ApiFunction": {"MILLRACE_CREDENTIALS", "MILLRACE_FUNCTIONS", "MILLRACE_WAIT_SECONDS",
		"MILLRACE_SYNC_SECONDS"},
	"ExpressFunction": {"MILLRACE_CREDENTIALS", "MILLRACE_FUNCTIONS", "MILLRACE_WAIT_SECONDS",
		"MILLRACE_SYNC_SECONDS", "MILLRACE_CALL_SECONDS"},
	"StepRunnerFunction": {"MILLRACE_RIGHTS", "MILLRACE_FUNCTIONS", "MILLRACE_CALL_SECONDS"},
	"SweeperFunction":    nil,
	"StarterFunction":    {"MILLRACE_STARTS"},
}

// shared lists the variables that all functions get.
var shared = []string{"STORE_URL", "QUEUE_URL", "MILLRACE_FAIR_QUEUE", "MILLRACE_REGION",
	"MILLRACE_SETTINGS",
	"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_LAMBDA"}

func TestEnvironment(t *testing.T) {
	doc := load(t)
	s := stack(t, doc, full)
	set := map[string]bool{}
	for f, want := range variables {
		got, _ := s.Property(f, "Environment", "Variables").(deploy.Object)
		names := slices.Sorted(maps.Keys(got))
		want = slices.Sorted(slices.Values(slices.Concat(shared, want)))
		if !slices.Equal(names, want) {
			t.Errorf("%s: has %v, want %v", f, names, want)
		}
		for _, n := range names {
			set[n] = true
		}
	}
	compareVariables(t, set, readVariables(t, "alibaba"))
}

// compareVariables reports variables that functions have but no code reads, and variables that the
// code reads but no function has.
func compareVariables(t *testing.T, set map[string]bool, read []string) {
	t.Helper()
	for _, n := range read {
		if !set[n] {
			t.Errorf("the code reads %s, which no function has", n)
		}
	}
	for n := range set {
		if !slices.Contains(read, n) {
			t.Errorf("a function has %s, which no code reads", n)
		}
	}
}

// projectVariables is the same for Function Compute.
var projectVariables = map[string][]string{
	"api": {"MILLRACE_CREDENTIALS", "MILLRACE_FUNCTIONS", "MILLRACE_PRODUCTS",
		"MILLRACE_CLOUDFLOW", "MILLRACE_TASK_ROLE", "MILLRACE_RESERVED", "MILLRACE_WAIT_SECONDS",
		"MILLRACE_SYNC_SECONDS", "MILLRACE_CALL_SECONDS"},
	"steprunner": {"MILLRACE_RIGHTS", "MILLRACE_FUNCTIONS", "MILLRACE_PRODUCTS",
		"MILLRACE_CLOUDFLOW", "MILLRACE_TASK_ROLE", "MILLRACE_RESERVED", "MILLRACE_CALL_SECONDS",
		"MILLRACE_DISPATCH"},
	"sweeper": nil,
	"starter": {"MILLRACE_STARTS"},
}

func TestProjectEnvironment(t *testing.T) {
	const vpc = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"
	p := project(t, projectText(t), policiesPath)
	set := map[string]bool{}
	for f, want := range projectVariables {
		got, _ := p.Functions[f]["environmentVariables"].(deploy.Object)
		names := slices.Sorted(maps.Keys(got))
		want = append([]string{"STORE_URL", "QUEUE_URL", "MILLRACE_REGION", "MILLRACE_SETTINGS",
			vpc}, want...)
		if slices.Sort(want); !slices.Equal(names, want) {
			t.Errorf("%s: has %v, want %v", f, names, want)
		}
		for n, v := range got {
			set[n] = true
			if _, ok := v.(string); !ok {
				t.Errorf("%s: %s is %v, which is no text", f, n, v)
			}
		}
	}
	delete(set, vpc)
	compareVariables(t, set, readVariables(t, "aws"))
}

// variable matches a variable's name in the code, or the service of an endpoint, from which the
// code builds the name.
var variable = regexp.MustCompile(
	`"(MILLRACE_[A-Z_]+|STORE_URL|QUEUE_URL)"|endpoint\(getenv, "([A-Z]+)"\)`)

// readVariables returns the variables of Millrace that the wiring of the functions names. It skips
// the files of the other cloud.
func readVariables(t *testing.T, other string) []string {
	t.Helper()
	files, err := filepath.Glob("../../shared/app/cloud/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || strings.HasPrefix(filepath.Base(f), other) {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
			if m[2] != "" {
				m[1] = "AWS_ENDPOINT_URL_" + m[2]
			}
			names[m[1]] = true
		}
	}
	if len(names) == 0 {
		t.Fatal("the code reads no variables")
	}
	return slices.Sorted(maps.Keys(names))
}

// TestStoreAndQueue: the code accepts the values for table and queue, in both forms of the table.
func TestStoreAndQueue(t *testing.T) {
	for variant, table := range map[string]string{"minimal": "StateTable",
		"restored table": "ExistingTable"} {
		s := stack(t, load(t), variants[variant])
		v := s.Property("ApiFunction", "Environment", "Variables")
		if deploy.Text(v, "STORE_URL", "Fn::Sub", 0) != "dynamodb://${Table}" ||
			deploy.Text(v, "STORE_URL", "Fn::Sub", 1, "Table", "Ref") != table {
			t.Errorf("%s: STORE_URL is %v", variant, deploy.At(v, "STORE_URL"))
		}
		if deploy.Text(v, "QUEUE_URL", "Ref") != "StepQueue" {
			t.Errorf("%s: QUEUE_URL is %v", variant, deploy.At(v, "QUEUE_URL"))
		}
	}
}

// TestEnvironmentFits: the variables of a function fit into Lambda's 4 KB.
func TestEnvironmentFits(t *testing.T) {
	doc := load(t)
	for _, name := range []string{"Credentials", "Rights", "Functions", "Settings"} {
		if n, _ := deploy.At(doc, "Parameters", name, "MaxLength").(float64); n <= 0 || n > 3500 {
			t.Errorf("parameter %s may have %v characters", name, n)
		}
	}
}
