package main

import (
	"bytes"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root returns the root of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// snippet returns the mutants of a package that consists of one file without imports.
func snippet(t *testing.T, text string) []*mutant {
	t.Helper()
	dir := t.TempDir()
	contents := []byte("package snippet\n\n" + text)
	if err := os.WriteFile(filepath.Join(dir, "a.go"), contents, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &source{path: "snippet", set: token.NewFileSet()}
	if err := s.read(dir, listed{Dir: dir, GoFiles: []string{"a.go"}}); err != nil {
		t.Fatal(err)
	}
	return find(s)
}

// TestOperators checks that each operator makes the slips that it is for, and no others.
func TestOperators(t *testing.T) {
	for _, c := range []struct {
		op, text string
		want     []string // the changed lines of the mutants that compile
	}{
		{"negate", "func f(a, b int) bool {\n\treturn a == b\n}", []string{"return a != b"}},
		{"negate", "func f(a, b bool) int {\n\tif a && b {\n\t\treturn 1\n\t}\n\treturn 2\n}",
			[]string{"if !(a && b) {"}},
		{"negate", "func f(err error) bool {\n\treturn err != nil\n}", nil},
		{"boundary", "func f(a, b int) bool {\n\treturn a < b\n}", []string{"return a <= b"}},
		{"logic", "func f(a, b bool) bool {\n\treturn a && b\n}", []string{"return (a || b)"}},
		{"operand", "func f(a, b bool) bool {\n\treturn a || b\n}",
			[]string{"return a", "return b"}},
		{"not", "func f(a bool) bool {\n\treturn !a\n}", []string{"return a"}},
		{"skip", "func f(a bool) int {\n\tif a {\n\t\treturn 1\n\t}\n\treturn 2\n}",
			[]string{"if false && (a) {"}},
		{"skip", "func f(a bool) int {\n\tswitch {\n\tcase a:\n\t\treturn 1\n\t}\n\treturn 2\n}",
			[]string{"case false && (a):"}},
		{"skip", "func f(a int) int {\n\tswitch a {\n\tcase 3:\n\t\treturn 1\n\t}\n\treturn 2\n}",
			nil},
		{"always", "func f(a bool) int {\n\tif a {\n\t\treturn 1\n\t}\n\treturn 2\n}",
			[]string{"if true || (a) {"}},
		{"drop", "func f(m map[int]int) {\n\tdelete(m, 1)\n}", []string{"(nothing)"}},
		{"drop", "func f(a, b int) int {\n\ta = b\n\treturn a\n}", []string{"(nothing)"}},
		{"drop", "func f() (a int) {\n\tb, c := 1, 2\n\ta, _ = b, c\n\treturn a\n}",
			[]string{"_, _ = b, c"}},
		{"drop", "func f(a bool) int {\n\tif a {\n\t\treturn 1\n\t}\n\treturn 2\n}",
			[]string{"(nothing)"}},
		{"drop", "func f(a bool) {\n\tif a {\n\t\tpanic(1)\n\t}\n}", nil},
		{"once", "func f(n int) (a int) {\n\tfor range n {\n\t\ta++\n\t}\n\treturn a\n}",
			[]string{"for range n { … ; break }"}},
		{"jump", "func f(n int) {\n\tfor range n {\n\t\tcontinue\n\t}\n}", []string{"break"}},
		{"else",
			"func f(a bool) (n int) {\n\tif a {\n\t\tn = 1\n\t} else {\n\t\tn = 2\n\t}\n" +
				"\treturn n\n}", []string{"}"}},
		{"case",
			"func f(a int) int {\n\tswitch a {\n\tcase 3, 4:\n\t\treturn 1\n\t}\n\treturn 2\n}",
			[]string{"(nothing)", "case 4:", "case 3:"}},
		{"nil-error", "func f(err error) (int, error) {\n\treturn 1, err\n}",
			[]string{"return 1, nil"}},
		{"shadow",
			"func f(a bool) (n int) {\n\tif a {\n\t\tn = 1\n\t\tprintln(n)\n\t}\n\treturn 2\n}",
			[]string{"n := 1"}},
		{"number", "func f(a []int) []int {\n\treturn a[1:]\n}", []string{"return a[0:]"}},
		{"number", "const c = 1_000", []string{"const c = 10000"}},
		{"number", "func f() []int {\n\treturn make([]int, 2, 3)\n}",
			[]string{"return make([]int, 1, 3)"}},
		{"constant", "type t int\n\nconst (\n\ta t = iota\n\tb\n)\n\nfunc f() t {\n\treturn a\n}",
			[]string{"return b"}},
		{"constant", "func f() bool {\n\treturn true\n}", []string{"return false"}},
		{"text", "func f() (a, b string) {\n\treturn \"k#\", \"a message\"\n}",
			[]string{`return "", "a message"`}},
		{"arithmetic", "func f(a, b int) int {\n\treturn a + b\n}", []string{"return a - b"}},
		{"arithmetic", "func f(a, b string) string {\n\treturn a + b\n}", nil},
		{"extreme", "func f(a, b int) int {\n\treturn min(a, b)\n}", []string{"return max(a, b)"}},
		{"unwrapped", "func f(a, b int) int {\n\treturn min(a, b)\n}", []string{"return a"}},
		{"unwrapped",
			"type t int\n\nfunc (a t) more() t { return a + 1 }\n\nfunc f(a t) t {\n" +
				"\treturn a.more()\n}", []string{"return a"}},
		{"swapped", "func g(int, int, string) {}\n\nfunc f(a, b int) {\n\tg(a, b, \"\")\n}",
			[]string{`g(b, a, "")`}},
		{"field",
			"type t struct {\n\ta, b int\n\tc string\n}\n\nfunc f(x t) (int, string) {\n" +
				"\treturn x.a, x.c\n}", []string{"return x.b, x.c"}},
		{"variable", "func f(a, b int, c string) int {\n\treturn b\n}", []string{"return a"}},
		{"element", "type t struct{ a, b int }\n\nfunc f() t {\n\treturn t{a: 1, b: 2}\n}",
			[]string{"return t{b: 2}", "return t{a: 1}"}},
	} {
		var got []string
		for _, m := range snippet(t, c.text) {
			if _, ok := m.compile(); ok && m.Op == c.op {
				_, after, _ := strings.Cut(m.Diff, " -> ")
				got = append(got, after)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s of\n%s\nmakes %q, want %q", c.op, c.text, got, c.want)
		}
	}
}

// TestIDsStayWhenLinesMove checks that an id stays the same when the code around its place moves,
// and that no two mutants have the same id.
func TestIDsStayWhenLinesMove(t *testing.T) {
	const text = "func f(a, b int) bool {\n\tif a == 1 {\n\t\treturn a < b\n\t}\n\treturn a < b\n" +
		"}\n"
	ids := func(list []*mutant) (ids []string) {
		for _, m := range list {
			ids = append(ids, m.ID)
		}
		return ids
	}
	before, after := ids(snippet(t, text)), ids(snippet(t, "const first = \"line\"\n\n"+text))
	slices.Sort(before)
	if n := len(slices.Compact(slices.Clone(before))); n != len(before) {
		t.Errorf("%d ids for %d mutants", n, len(before))
	}
	for _, id := range before {
		if !slices.Contains(after, id) {
			t.Errorf("%s is called something else after lines were added above it", id)
		}
	}
}

// TestSample checks that a sample is the same each time, differs by seed, and contains no mutants
// that are equivalent or do not compile.
func TestSample(t *testing.T) {
	all := snippet(t, "func f(a, b int) bool {\n\tc := a\n\treturn c < b && a > 3 || b == 4\n}\n")
	ids := func(seed uint64, equivalent map[string]string) (ids []string) {
		list, _, _ := sample(ranked(all, seed), 5, equivalent)
		for _, m := range list {
			ids = append(ids, m.ID)
		}
		return ids
	}
	first := ids(1, nil)
	if len(first) != 5 || !slices.Equal(first, ids(1, nil)) || slices.Equal(first, ids(2, nil)) {
		t.Errorf("samples: %v, %v, by another seed %v", first, ids(1, nil), ids(2, nil))
	}
	without := ids(1, map[string]string{first[0]: "nobody can tell"})
	if len(without) != 5 || slices.Contains(without, first[0]) || without[0] != first[1] {
		t.Errorf("without %s: %v", first[0], without)
	}
}

// TestWhoNotices tests the whole command: mutants of the fixture are caught by its unit tests, by
// the stand-in for the simulation, by their time limit, or not at all. A mutant with a result is
// not tried again.
func TestWhoNotices(t *testing.T) {
	o := options{root: root(t), packages: "./tests/mutate/testdata/lamp",
		tests:      "./tests/mutate/testdata/lamp",
		simulation: "./tests/mutate/testdata/sim", seeds: 3, processes: 1,
		out: filepath.Join(t.TempDir(), "results.jsonl")}
	sources, err := load(o.root, []string{o.packages})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		unit, sim outcome
		by        string
	}{
		"l.on = true -> (nothing)": {failed, passed,
			"millrace/tests/mutate/testdata/lamp: TestBurn"},
		"l.used++ -> (nothing)":                   {passed, failed, "simulation: seed 1: 0 hours"},
		"l.used++ -> l.used--":                    {passed, failed, "simulation: seed 1: -1 hours"},
		"i++ -> (nothing)":                        {hung, unreached, ""},
		"if l.left == 0 && !l.on { -> if !l.on {": {passed, unreached, ""},
		"func Unused(a, b int) int { return max(a, b) } -> func Unused(a, b int) int { return " +
			"min(a, b) }": {unreached, unreached, ""},
	}
	var list []chosen
	for _, m := range find(sources[0]) {
		text, ok := m.compile()
		if _, wanted := want[m.Diff]; ok && wanted {
			list = append(list, chosen{m, text})
		}
	}
	if len(list) != len(want) {
		t.Fatalf("%d mutants for %d", len(list), len(want))
	}
	hasty(t)
	if err := o.tryAll(sources, list); err != nil {
		t.Fatal(err)
	}
	results, err := readResults(o.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		w := want[r.Diff]
		if r.Unit.How != w.unit || r.Sim.How != w.sim || w.by != "" && r.Unit.By != w.by &&
			r.Sim.By != w.by {
			t.Errorf("%s: %+v, %+v, want %+v", r.Diff, r.Unit, r.Sim, w)
		}
	}
	before, _ := os.ReadFile(o.out)
	if err := o.tryAll(sources, list); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(o.out); !bytes.Equal(before, after) {
		t.Errorf("tried again: %s", after)
	}
	text, _ := os.ReadFile(list[0].file.abs)
	if !bytes.Equal(text, list[0].file.text) {
		t.Error("the checkout was changed")
	}
}

// hasty shortens the minimum time of a run.
func hasty(t *testing.T) {
	before := limitMin
	limitMin = 5e9
	t.Cleanup(func() { limitMin = before })
}

func TestSummary(t *testing.T) {
	var b strings.Builder
	summarize(&b, []result{
		{ID: "a", Package: "p", Op: "drop", Unit: trial{How: failed}, Sim: trial{How: failed}},
		{ID: "b", Package: "p", Op: "drop", Unit: trial{How: passed}, Sim: trial{How: hung}},
		{ID: "c", Package: "q", Op: "not", Unit: trial{How: passed}, Sim: trial{How: unreached},
			Diff: "!x -> x"},
		{ID: "d", Package: "q", Op: "not", Unit: trial{How: unbuilt}},
	})
	for _, want := range []string{"| p | 2 | 1 | 2 | 2 | 1 | 0 |", "| q | 1 | 0 | 0 | 0 | 0 | 1 |",
		"| not | 1 | 0 | 0 | 0 | 0 | 1 |",
		"Caught: 67 % of 3, 33 % by unit tests, 67 % by the simulation; of the 2 that it comes " +
			"to, it catches 100 %.", "1 more did not build",
		"c (line 0; unit tests passed, simulation unreached)\n    !x -> x"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in\n%s", want, b.String())
		}
	}
}

// TestEquivalentNeedsAReason checks that each entry of the list of equivalent mutants has a reason,
// and that no entry occurs twice.
func TestEquivalentNeedsAReason(t *testing.T) {
	name := filepath.Join(t.TempDir(), "equivalent.txt")
	for text, good := range map[string]bool{"# what it is\na:b:drop:1 because\n": true,
		"a:b:drop:1\n": false, "a x\na y\n": false} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEquivalent(name); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
	if list, err := readEquivalent(filepath.Join(root(t),
		"tests/mutate/equivalent.txt")); err != nil {
		t.Error(list, err)
	}
}

// TestReaches checks that a place counts as not reached only if the smallest block around it was
// never entered.
func TestReaches(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cover")
	text := "mode: set\nm/a.go:1.10,9.2 3 1\nm/a.go:3.5,5.3 1 0\nm/a.go:7.1,8.2 1 0\n"
	again := "mode: set\nm/a.go:1.10,9.2 3 0\nm/a.go:3.5,5.3 1 0\nm/a.go:7.1,8.2 1 1\n"
	p := profile{}
	for _, text := range []string{text, again} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := p.readProfile(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		line, column int
		want         bool
	}{{1, 5, true}, {2, 1, true}, {3, 5, false}, {4, 80, false}, {5, 3, true}, {7, 4, true},
		{20, 1, true}} {
		if got := p.reaches("m/a.go", c.line, c.column); got != c.want {
			t.Error(fmt.Sprint(c), got)
		}
	}
}
