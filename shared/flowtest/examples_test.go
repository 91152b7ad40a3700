package flowtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
)

const flows = "../../tests/testdata/flows"

// notYet are example files whose flows this release refuses to run, with the error that they end with.
var notYet = map[string]string{"28-map-distributed.cases.json": flow.ErrMapRunNotSupported}

func TestExamples(t *testing.T) {
	for _, pattern := range []string{"statemachine/[0-9]*.cases.json", "flow/[0-9]*.yaml"} {
		files, err := filepath.Glob(filepath.Join(flows, pattern))
		if err != nil || len(files) < 25 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) { run(t, file) })
		}
	}
}

func run(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := flowtest.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	definition := []byte(file.Definition)
	if file.Flow != "" {
		if definition, err = os.ReadFile(filepath.Join(filepath.Dir(path), file.Flow)); err != nil {
			t.Fatal(err)
		}
	}
	m, diagnostics := fdl.Parse(definition, fdl.Options{Mode: file.Mode})
	if m == nil {
		t.Fatalf("%v", diagnostics)
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			c.Setup.FlowName = file.FlowName
			if c.Setup.FlowName == "" {
				c.Setup.FlowName = m.Name
			}
			c.Setup.Start = time.Date(2019, 5, 2, 15, 0, 0, 0, time.UTC).UnixMilli()
			if wrong := c.Misspelt(m); len(wrong) > 0 {
				t.Fatal(strings.Join(wrong, "\n"))
			}
			r, err := flowtest.Execute(m, flow.DefaultLimits(), c.Setup)
			if err != nil {
				t.Fatal(err)
			}
			if name, ok := notYet[filepath.Base(path)]; ok {
				if r.Status != flow.Failed || r.Error.Name != name {
					t.Fatalf("want %s, got %v %v", name, r.Status, r.Error)
				}
				return
			}
			if diff := flowtest.Check(m, r, &c.Expect); len(diff) > 0 {
				t.Error(strings.Join(diff, "\n"))
			}
		})
	}
}
