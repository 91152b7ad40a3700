package deploy_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"millrace/tests/deploy"
)

func schema(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate returns the schemas' objections to a template. It checks the whole against SAM's, each
// resource against CloudFormation's.
func validate(sam, cloudFormation *jsonschema.Schema, doc deploy.Object) (wrong []string) {
	if err := sam.Validate(doc); err != nil {
		wrong = append(wrong, err.Error())
	}
	for name, r := range doc["Resources"].(deploy.Object) {
		if err := cloudFormation.Validate(r); err != nil {
			wrong = append(wrong, name+": "+err.Error())
		}
	}
	return wrong
}

func TestSchemas(t *testing.T) {
	sam, cloudFormation := schema(t, "sam.schema.json"),
		schema(t, "cloudformation-subset.schema.json")
	if wrong := validate(sam, cloudFormation, load(t)); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	for variant, parameters := range variants {
		resources := deploy.Object{}
		for name, r := range stack(t, load(t), parameters).Resources {
			resources[name] = r
		}
		if wrong := validate(sam, cloudFormation,
			deploy.Object{"Resources": resources}); len(wrong) > 0 {
			t.Errorf("%s: %s", variant, strings.Join(wrong, "\n"))
		}
	}
}

// misspelt has misspelt and misplaced properties of both kinds of resources.
var misspelt = []struct{ old, new string }{
	{"BuildMethod: makefile}\n    Properties:\n      Description",
		"BuildMethod: makefile}\n    Properties:\n      Descripton"},
	{"      Timeout: 300\n", "      TimeOut: 300\n"},
	{"FunctionResponseTypes:", "FunctionResponseType:"},
	{"ScheduleExpression:", "Schedule:"},
	{"VisibilityTimeout: 1800", "VisibilityTimeOut: 1800"},
	{"VisibilityTimeout: 1800", "VisibilityTimeout: {}"},
	{"BillingMode:", "BillingModeX:"},
	{"AttributeName: p, AttributeType: S", "AttributeNam: p, AttributeType: S"},
	{"MetricName: Errors", "MetricsName: Errors"},
	{"RetentionInDays:", "RetentionDays:"},
	{"StageName: $default", "Stage: $default"},
	{"AssumeRolePolicyDocument:", "AssumeRolePolicy:"},
}

func mutated(t *testing.T, from, to string) deploy.Object {
	t.Helper()
	text, err := os.ReadFile(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(from), []byte(to), 1)
	if bytes.Equal(changed, text) {
		t.Fatalf("%q is not in the template", from)
	}
	doc, err := deploy.Parse(changed)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchemasNotice(t *testing.T) {
	sam, cloudFormation := schema(t, "sam.schema.json"),
		schema(t, "cloudformation-subset.schema.json")
	for _, m := range misspelt {
		if len(validate(sam, cloudFormation, mutated(t, m.old, m.new))) == 0 {
			t.Errorf("%q for %q goes unnoticed", m.new, m.old)
		}
	}
}
