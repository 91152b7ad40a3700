package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"millrace/tests/deploy"
)

// deployed is a stack for specification.js.
type deployed struct {
	Name      string                   `json:"name"`
	Resources map[string]deploy.Object `json:"resources"`
	Outputs   deploy.Object            `json:"outputs"`
}

// specification checks stacks against CloudFormation's own description of its resources. It returns
// what is wrong, by name.
func specification(t *testing.T, stacks []deployed) map[string][]string {
	t.Helper()
	if _, err := os.Stat("node_modules/@aws-cdk/aws-service-spec"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI needs node and npm: run.sh installs what this test needs")
		}
		t.Skip("run.sh installs what this test needs: ", err)
	}
	in, err := json.Marshal(stacks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "specification.js")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	wrong := map[string][]string{}
	if err := json.Unmarshal(out, &wrong); err != nil {
		t.Fatal(err)
	}
	if len(wrong) != len(stacks) {
		t.Fatalf("%d answers for %d stacks", len(wrong), len(stacks))
	}
	return wrong
}

func forSpecification(name string, s *deploy.Stack) deployed {
	return deployed{name, s.Resources, s.Outputs}
}

func TestSpecification(t *testing.T) {
	var stacks []deployed
	for variant, parameters := range variants {
		stacks = append(stacks, forSpecification(variant, stack(t, load(t), parameters)))
	}
	for variant, wrong := range specification(t, stacks) {
		if len(wrong) > 0 {
			t.Errorf("%s:\n%s", variant, strings.Join(wrong, "\n"))
		}
	}
}

// TestSpecificationNotices checks what the schemas do not cover: kinds of values, attributes,
// types, and resources outside their list.
func TestSpecificationNotices(t *testing.T) {
	changes := append(misspelt[:len(misspelt):len(misspelt)], []struct{ old, new string }{
		{"VisibilityTimeout: 1800", "VisibilityTimeout: soon"},
		{"SSEEnabled: true", "SSEEnabled: perhaps"},
		{"!GetAtt StepQueue.Arn", "!GetAtt StepQueue.ARN"},
		{"!GetAtt ExpressFunctionUrl.FunctionUrl", "!GetAtt ExpressFunctionUrl.Address"},
		{`"${StateTable.Arn}/index/list"`, `"${StateTable.Name}/index/list"`},
		{"Type: AWS::Events::Rule", "Type: AWS::Events::Rules"},
		{"        - Id: queue\n          Arn: !GetAtt EventQueue.Arn",
			"        - Arn: !GetAtt EventQueue.Arn"},
		{"RecursiveLoop: Allow", "RecursiveLoops: Allow"},
		{"LoggingConfig: {LogGroup:", "LoggingConfig: {LogGroups:"},
		{"FunctionUrlConfig: {AuthType: NONE", "FunctionUrlConfig: {Auth: NONE"},
		{"RetryPolicy: {MaximumRetryAttempts: 0", "RetryPolicy: {MaximumRetries: 0"},
		{"ScalingConfig: {MaximumConcurrency: 10}", "ScalingConfig: {Concurrency: 10}"},
		{"Tags: [{Key: application, Value: millrace}]",
			"Tags: [{Name: application, Value: millrace}]"},
	}...)
	var stacks []deployed
	for i, c := range changes {
		stacks = append(stacks, forSpecification(fmt.Sprint(i), stack(t, mutated(t, c.old, c.new),
			full)))
	}
	wrong := specification(t, stacks)
	for i, c := range changes {
		if len(wrong[fmt.Sprint(i)]) == 0 {
			t.Errorf("%q for %q goes unnoticed", c.new, c.old)
		}
	}
}
