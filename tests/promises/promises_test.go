package promises_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"millrace/tests/promises"
	"millrace/tests/sim/cover"
)

var update = flag.Bool("update", false, "write the tables into docs/reliability.md")

var topics = []promises.Topic{promises.Rules, promises.Protocol, promises.API}

// TestInvariants: the list has the invariants of the simulation, the simulation counts each where
// it checks it, and some promise names it. TestSeeds of tests/sim checks that seeds reach each.
func TestInvariants(t *testing.T) {
	s := simulation(t)
	for _, at := range s.unnamed {
		t.Errorf("%s fails a run and names no invariant", at)
	}
	listed := map[string]bool{}
	for _, v := range promises.Invariants {
		if listed[v.Name] {
			t.Errorf("%q is listed twice", v.Name)
		}
		listed[v.Name] = true
		switch {
		case !s.reported[v.Name]:
			t.Errorf("the simulation has no invariant %q", v.Name)
		case !s.looked[v.Name]:
			t.Errorf("nobody counts where %q is looked at (looked)", v.Name)
		case !inUse(v.Name):
			t.Errorf("no promise names %q", v.Name)
		}
	}
	for name := range s.reported {
		if !listed[name] {
			t.Errorf("invariant %q of the simulation is not in the list "+
				"(tests/promises/invariants.go)", name)
		}
	}
	for name := range s.looked {
		if !s.reported[name] {
			t.Errorf("%q is looked at, and can never fail", name)
		}
	}
}

func inUse(invariant string) bool {
	return slices.ContainsFunc(topics, func(topic promises.Topic) bool {
		return slices.ContainsFunc(topic.Promises, func(p promises.Promise) bool {
			return slices.Contains(p.Invariants, invariant)
		})
	})
}

// fixed returns the choice of seeds that tests run.
func fixed(t *testing.T) cover.Choice {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "tests/sim/seeds.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := cover.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPromises: what a promise names exists, and a promise that nothing checks says so.
func TestPromises(t *testing.T) {
	for _, topic := range topics {
		for _, p := range topic.Promises {
			for _, name := range p.Invariants {
				if !slices.ContainsFunc(promises.Invariants, func(v promises.Invariant) bool {
					return v.Name == name
				}) {
					t.Errorf("%s: there is no invariant %q", p.Says, name)
				}
			}
			for _, property := range p.Models {
				judgeProperty(t, p.Says, property)
			}
			judgeTests(t, p.Says, p.Tests)
			if len(p.Invariants) == 0 && p.Open == "" {
				t.Errorf("%s: the simulation does not check it, and the list does not say so",
					p.Says)
			}
			if len(p.Invariants)+len(p.Models)+len(p.Tests) == 0 && p.Open == "" {
				t.Errorf("%s: nothing checks it", p.Says)
			}
		}
	}
}

// judgeProperty checks that a model has a property.
func judgeProperty(t *testing.T, of, property string) {
	t.Helper()
	model, text, _ := strings.Cut(property, ": ")
	list, err := properties(model)
	if err != nil {
		t.Errorf("%s: %v", of, err)
	}
	has := func(s string) bool {
		return s == text || strings.Contains(s, text) && strings.Contains(s, "*/")
	}
	if !slices.ContainsFunc(list, has) {
		t.Errorf("%s: model %s has no property %q", of, model, text)
	}
}

// judgeTests checks that tests exist.
func judgeTests(t *testing.T, of string, list []string) {
	t.Helper()
	for _, entry := range list {
		folder, names, _ := strings.Cut(entry, ": ")
		there := testNames(folder)
		for _, name := range strings.Split(names, ", ") {
			if !there[name] {
				t.Errorf("%s: %s has no test %s", of, folder, name)
			}
		}
	}
}

// TestFaults: the tests that a fault names exist, and a fault that no test makes says so. TestSeeds
// of tests/sim checks that the list has the faults of the simulation.
func TestFaults(t *testing.T) {
	for _, f := range promises.Faults {
		judgeTests(t, f.Says, f.Tests)
		if len(f.Sim) == 0 && f.Open == "" && len(f.Tests) == 0 {
			t.Errorf("%s: it is made nowhere", f.Says)
		}
	}
}

// TestPage: docs/reliability.md has the tables.
func TestPage(t *testing.T) {
	path := filepath.Join(root, "docs/reliability.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]string{"promises": promises.Table(topics),
		"faults":     promises.FaultTable(promises.Faults),
		"numbers":    numbers(t),
		"invariants": promises.InvariantTable(promises.Invariants, alone(t))} {
		place := regexp.MustCompile(`(?s)(<!-- ` + name + `: [^\n]*-->\n).*?(<!-- end -->)`)
		if !place.MatchString(want) {
			t.Fatalf("the page has no place for the table of %s", name)
		}
		want = place.ReplaceAllString(want, "${1}"+strings.ReplaceAll(table, "$", "$$")+"${2}")
	}
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("docs/reliability.md does not have the tables of tests/promises: go test " +
			"./tests/promises -update")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
