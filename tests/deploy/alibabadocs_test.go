package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestAlibabaDocs: the page of Alibaba Cloud names what exists: variables with their defaults,
// options of infra/alibaba, functions, targets, files.
func TestAlibabaDocs(t *testing.T) {
	page := read(t, "../../docs/alibaba.md")
	_, table, _ := strings.Cut(page, "## Settings\n")
	command := read(t, "../../infra/alibaba/config.go")
	template := string(projectText(t))
	for _, m := range regexp.MustCompile(`env\('([A-Z_]+)', '([^']*)'\)`).
		FindAllStringSubmatch(template, -1) {
		row := regexp.MustCompile("(?m)^\\| `" + m[1] +
			"` \\| ([^|]*) \\|").FindStringSubmatch(table)
		if row == nil {
			t.Errorf("%s is not in the table", m[1])
			continue
		}
		if words := map[string]bool{"none": true, "required": true,
			"the region": true}; row[1] != m[2] && !(m[2] == "" && words[row[1]]) {
			t.Errorf("%s: the default is %q, the page says %q", m[1], m[2], row[1])
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(table,
		-1) {
		if !strings.Contains(template, "env('"+m[1]+"'") &&
			!strings.Contains(command, `"`+m[1]+`"`) {
			t.Errorf("the table has %s, which nothing reads", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?:MILLRACE|ALIBABA_CLOUD)_[A-Z_]+`).
		FindAllString(command, -1) {
		if !strings.Contains(table, "`"+m+"`") {
			t.Errorf("infra/alibaba reads %s, which is not in the table", m)
		}
	}
	for _, m := range regexp.MustCompile(`\./infra/alibaba((?: [^\n#&;]*)?)`).
		FindAllStringSubmatch(page, -1) {
		for _, option := range regexp.MustCompile(` -([a-z-]+)`).FindAllStringSubmatch(m[1], -1) {
			if !strings.Contains(command, `"`+option[1]+`"`) {
				t.Errorf("infra/alibaba has no -%s", option[1])
			}
		}
	}
	makefile := read(t, "../../Makefile")
	for _, m := range regexp.MustCompile("[`\n]make ([a-z-]+)").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("the page says make %s, which is no target", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([a-z]+\.md)\)`).FindAllStringSubmatch(page, -1) {
		exists(t, "../../docs/"+m[1])
	}
	for _, m := range regexp.MustCompile(`\b(?:tests|infra)/[A-Za-z0-9/._-]*[A-Za-z0-9]`).
		FindAllString(page, -1) {
		if !strings.Contains(m, "node_modules") {
			exists(t, "../../"+m)
		}
	}
	for _, m := range regexp.MustCompile(`\bs ([a-z]+) (?:deploy|info|local)`).
		FindAllStringSubmatch(page, -1) {
		exists(t, "../../functions/"+m[1])
	}
	pinned := read(t, "../clouds/serverless-devs/package.json")
	named := regexp.MustCompile(`@serverless-devs/s@([0-9.]+)`).FindStringSubmatch(page)
	if !strings.Contains(pinned, `"`+named[1]+`"`) {
		t.Error("the page and package.json name different versions of Serverless Devs")
	}
}

// TestExtendedTemplates: the templates of the page that extend s.yaml have only properties that
// Function Compute knows.
func TestExtendedTemplates(t *testing.T) {
	page := read(t, "../../docs/alibaba.md")
	blocks := regexp.MustCompile("(?s)```yaml\n(# s\\.[a-z]+\\.yaml\nextend: .*?)```").
		FindAllStringSubmatch(page, -1)
	if len(blocks) < 2 {
		t.Fatalf("%d templates", len(blocks))
	}
	for _, block := range blocks {
		var template struct {
			Resources map[string]struct{ Props map[string]any }
		}
		if err := yaml.Unmarshal([]byte(block[1]), &template); err != nil {
			t.Fatalf("%v\n%s", err, block[1])
		}
		p := project(t, projectText(t), policiesPath)
		for name, r := range template.Resources {
			if p.Functions[name] == nil {
				t.Fatalf("there is no function %s to extend", name)
			}
			maps.Copy(p.Functions[name], r.Props)
		}
		if wrong := validateProject(t, p); len(wrong) > 0 {
			t.Errorf("%s\n%s", strings.Join(wrong, "\n"), block[1])
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func exists(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Stat(filepath.FromSlash(file)); err != nil {
		t.Error(err)
	}
}

// TestLockFiles: lock files name no registry, because each machine has its own.
func TestLockFiles(t *testing.T) {
	for _, file := range []string{"package-lock.json",
		"../clouds/serverless-devs/package-lock.json"} {
		if text := read(t, file); strings.Contains(text, `"resolved"`) ||
			strings.Contains(text, "://") {
			t.Errorf("%s names a host", file)
		}
	}
}
