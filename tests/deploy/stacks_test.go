package deploy_test

import (
	"maps"
	"strings"
	"testing"

	"millrace/tests/deploy"
)

const templatePath = "../../template.yaml"

func load(t *testing.T) deploy.Object {
	t.Helper()
	doc, err := deploy.Load(templatePath)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// Sets of parameters that together cover everything that the template can create.
var (
	minimal = map[string]string{"Credentials": "accounts: []", "Rights": "accounts: []"}
	full    = with(minimal, map[string]string{"Express": "yes",
		"TaskFunctions": "arn:aws:lambda:us-east-1:123456789012:function:charge",
		"TaskObjects":   "arn:aws:s3:::inbox",
		"TaskResults":   "arn:aws:s3:::results/*",
		"EventBucket":   "objects", "CreateEventBucket": "yes", "EventPrefix": "in/",
		"EventFlow": "order", "EventAccount": "1",
		"KmsKeyArn":     "arn:aws:kms:us-east-1:123456789012:key/1",
		"AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms"})
	variants = map[string]map[string]string{
		"minimal":  minimal,
		"full":     full,
		"queue":    with(full, map[string]string{"EventDelivery": "queue"}),
		"function": with(full, map[string]string{"EventDelivery": "function"}),
		"bucket of one's own": with(full, map[string]string{"CreateEventBucket": "no",
			"EventDelivery": "queue"}),
		"restored table":       with(minimal, map[string]string{"ExistingTable": "restored"}),
		"restored, everything": with(full, map[string]string{"ExistingTable": "restored"}),
		"express alone":        with(minimal, map[string]string{"Express": "yes"}),
		"functions alone": with(minimal,
			map[string]string{"TaskFunctions": "arn:aws:lambda:us-east-1:123456789012:function:charge"}),
	}
)

func with(a, b map[string]string) map[string]string {
	c := maps.Clone(a)
	maps.Copy(c, b)
	return c
}

func stack(t *testing.T, doc deploy.Object, parameters map[string]string) *deploy.Stack {
	t.Helper()
	s, err := deploy.Deploy(doc, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// findings returns the rules' objections to a document, for every variant.
func findings(t *testing.T, doc deploy.Object) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for variant, parameters := range variants {
		s := stack(t, doc, parameters)
		for _, r := range deploy.Rules {
			for _, w := range r.Check(s) {
				found[r.Name] = append(found[r.Name], variant+": "+w)
			}
		}
	}
	return found
}

func TestRules(t *testing.T) {
	for rule, wrong := range findings(t, load(t)) {
		t.Errorf("%s:\n%s", rule, strings.Join(wrong, "\n"))
	}
}

func TestLoadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\na: 2":           "twice",
		"a: &x 1\nb: *x":       "anchor",
		"a: {b: &x 1}":         "anchor",
		"":                     "empty",
		"a: [":                 "yaml",
		"a: !Ref\n  - b: &x 1": "anchor",
	} {
		if _, err := deploy.Parse([]byte(text)); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %s", text, err, want)
		}
	}
}

func TestParameters(t *testing.T) {
	doc := load(t)
	if _, err := deploy.Deploy(doc, nil); err == nil {
		t.Error("deployed without credentials")
	}
	for name, p := range doc["Parameters"].(deploy.Object) {
		if deploy.Text(p, "Description") == "" {
			t.Errorf("parameter %s is not described", name)
		}
		kind, constraint := deploy.Text(p, "Type"), false
		for _, c := range []string{"AllowedValues", "AllowedPattern", "MaxLength", "MaxValue"} {
			constraint = constraint || deploy.At(p, c) != nil
		}
		if !constraint && kind != "CommaDelimitedList" {
			t.Errorf("parameter %s takes anything", name)
		}
	}
	if deploy.At(doc, "Parameters", "Credentials", "NoEcho") != true {
		t.Error("the credentials are shown")
	}
}
