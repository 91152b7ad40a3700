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

// TestDocs: the page names what exists: parameters with their defaults, outputs, alarms, targets,
// files.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	page, doc := string(text), load(t)
	parameters := doc["Parameters"].(deploy.Object)
	_, table, _ := strings.Cut(page, "## Parameters\n")
	for name := range parameters {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("parameter %s is not in the table", name)
		}
	}
	for _, m := range regexp.MustCompile("`([A-Z][A-Za-z]+)`").FindAllStringSubmatch(table, -1) {
		if parameters[m[1]] == nil {
			t.Errorf("the table has %s, which is no parameter", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`[ ']([A-Z][A-Za-z]+)=`).FindAllStringSubmatch(page, -1) {
		if !slices.Contains([]string{"Action", "Version", "BearerToken", "AttributeName", "Enabled",
			"PointInTimeRecoveryEnabled"}, m[1]) && parameters[m[1]] == nil {
			t.Errorf("the page sets %s, which is no parameter", m[1])
		}
	}
	outputs := doc["Outputs"].(deploy.Object)
	for _, m := range regexp.MustCompile(`<([A-Z]\w+)>`).FindAllStringSubmatch(page, -1) {
		if outputs[m[1]] == nil {
			t.Errorf("the page uses <%s>, which is no output", m[1])
		}
	}
	s := stack(t, doc, full)
	for _, alarm := range s.Names("AWS::CloudWatch::Alarm") {
		if !strings.Contains(page, "`"+alarm+"`") && !strings.HasSuffix(alarm, "ErrorsAlarm") &&
			!strings.HasSuffix(alarm, "ThrottlesAlarm") {
			t.Errorf("alarm %s is not on the page", alarm)
		}
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("[`\n]make ([a-z-]+)").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(string(makefile), "\n"+m[1]+":") {
			t.Errorf("the page says make %s, which is no target", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`tests/clouds/lambda/events/[a-z0-9-]+\.json`).
		FindAllString(page, -1) {
		if _, err := os.Stat(filepath.Join("../..", m)); err != nil {
			t.Error(err)
		}
	}
}

// TestDocsCountAlarms: the idle cost on the page includes all alarms.
func TestDocsCountAlarms(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[int]string{11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen",
		15: "fifteen"}
	n := len(stack(t, load(t), minimal).Names("AWS::CloudWatch::Alarm"))
	if !strings.Contains(strings.Join(strings.Fields(string(text)), " "),
		"billed one by one: "+words[n]+" ") {
		t.Errorf("there are %d alarms", n)
	}
}

// TestDocsLinks: the targets of the page's links exist.
func TestDocsLinks(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`\]\(([a-z]+\.md)\)`).FindAllStringSubmatch(string(text),
		-1) {
		seen[m[1]] = true
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if _, err := os.Stat(filepath.Join("../../docs", name)); err != nil {
			t.Error(err)
		}
	}
}
