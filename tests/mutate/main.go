// Command mutate changes the code, one small slip at a time, and finds out whether the unit tests
// or the simulation notice it. A mutant that neither notices is equivalent to the code, or it shows
// a promise that nothing checks.
//
// The checkout is never changed: each mutant is compiled by means of go's -overlay.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const usage = `mutate changes the code, one small slip at a time, and looks who notices.

    go run ./tests/mutate -seed 1 -sample 200 -seeds 1000    200 mutants, 1,000 seeds each
    go run ./tests/mutate -seed 1 -sample 200 -max 1         the next one that has no result yet
    go run ./tests/mutate -seed 1 -sample 200 -summary       what the results are so far
    go run ./tests/mutate -seed 1 -sample 200 -again         those that survived, once more
    go run ./tests/mutate -seed 1 -sample 200 -list          the sample, without running anything

A sample follows from -seed: mutants are ordered by a hash of the seed and their id, and those that
neither compile nor are known to be equivalent are passed over. An id has no line in it, so it stays
when the code around it moves. Results are appended to -out, one JSON object a line, and what is
there is not done again.

For each mutant the unit tests that come to the changed code run, those of its package first, up to
the first that fails; one that fails has to fail twice. Then the simulation runs, whatever the unit
tests have said, up to the first seed that fails. What comes to which code is measured beforehand,
without a mutant, and kept in the folder of -out until any file of the module changes. Address
space, memory and time of each run are limited; a run that takes too long has noticed the mutant.

Mutants for which nobody can tell the difference are listed, with the reason, in -equivalent.

Operators:
    negate      a comparison or condition turned around (not of errors)
    boundary    < for <=, > for >=, and back
    logic       && for ||, and back
    operand     one side of && or || forgotten
    not         a ! forgotten
    skip        an if or case never taken
    always      an if or case always taken
    drop        a statement forgotten: assignment, call, send, defer, jump, return in the middle
    once        a loop ends after its first item
    jump        continue for break, and back
    else        an else forgotten
    case        a case, or one of its values, forgotten
    nil-error   nil returned for an error
    shadow      := for =
    number      off by one; large numbers ten times as large
    constant    another constant of the same type and package; true for false
    text        a text without spaces emptied: a code, a key, a prefix
    arithmetic  + for -, * for /, and back
    extreme     min for max, and back
    unwrapped   a call forgotten that gives the type that it takes: a clone, a bound
    swapped     two arguments of the same type swapped
    field       another field of the same type
    variable    another variable of the function, of the same type
    element     a field of a struct that is made forgotten
Logs, panics, texts of errors, capacities and String methods have none.

Flags:
`

// core lists the packages that are changed by default.
const core = "./shared/engine/... ./shared/interp ./shared/store ./shared/store/driver " +
	"./shared/cloudflow ./shared/queue ./shared/app/..."

// options are the values of the flags.
type options struct {
	root       string
	packages   string // patterns, with spaces between them
	tests      string // patterns, with spaces between them
	simulation string
	seed       uint64
	sample     int
	seeds      uint64
	max        int
	processes  int
	out        string
	equivalent string
	only       string
	list       bool
	summary    bool
	again      bool
}

func main() {
	var o options
	f := flag.NewFlagSet("mutate", flag.ExitOnError)
	f.Usage = func() {
		fmt.Fprint(f.Output(), usage)
		f.PrintDefaults()
	}
	f.StringVar(&o.packages, "packages", core, "what is changed")
	f.StringVar(&o.tests, "tests", "./shared/...", "whose unit tests may notice")
	f.StringVar(&o.simulation, "simulation", "./tests/sim", "the package of the simulation")
	f.Uint64Var(&o.seed, "seed", 1, "of the sample")
	f.IntVar(&o.sample, "sample", 200, "how many mutants it has")
	f.Uint64Var(&o.seeds, "seeds", 1000, "of the simulation, for each mutant")
	f.IntVar(&o.max, "max", 0, "end after so many; 0: after all")
	f.IntVar(&o.processes, "processes", runtime.NumCPU(), "of the simulation, at a time")
	f.StringVar(&o.out, "out", "", "the file of results (default .cache/mutants/SEED.jsonl)")
	f.StringVar(&o.equivalent, "equivalent", "tests/mutate/equivalent.txt",
		"the list of equivalent mutants")
	f.StringVar(&o.only, "only", "", "of the sample only those whose id has this in it")
	f.BoolVar(&o.list, "list", false, "list the sample")
	f.BoolVar(&o.summary, "summary", false, "show the results of the sample so far")
	f.BoolVar(&o.again, "again", false, "try those again that have survived")
	_ = f.Parse(os.Args[1:])
	if err := o.do(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (o *options) do() error {
	if f := strings.Fields(o.packages); len(f) == 0 || o.sample < 1 || o.seeds < 1 ||
		o.processes < 1 {
		return fmt.Errorf("-packages, -sample, -seeds and -processes must not be empty")
	}
	if o.root == "" {
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		o.root = dir
	}
	if o.out == "" {
		o.out = filepath.Join(o.root, ".cache", "mutants", fmt.Sprintf("%d.jsonl", o.seed))
	}
	sources, err := load(o.root, strings.Fields(o.packages))
	if err != nil {
		return err
	}
	if !filepath.IsAbs(o.equivalent) {
		o.equivalent = filepath.Join(o.root, o.equivalent)
	}
	equivalent, err := readEquivalent(o.equivalent)
	if err != nil {
		return err
	}
	var all []*mutant
	for _, s := range sources {
		all = append(all, find(s)...)
	}
	list, left, broken := sample(ranked(all, o.seed), o.sample, equivalent)
	fmt.Printf("%d mutants; a sample of %d by seed %d, "+
		"for which %d were passed over that do not compile, and %d that are equivalent\n",
		len(all), len(list), o.seed, broken, len(left))
	warn(all, equivalent)
	if o.list {
		for _, m := range list {
			fmt.Printf("%s (line %d)\n    %s\n", m.ID, m.Line, m.Diff)
		}
		return nil
	}
	if !o.summary {
		if err := o.tryAll(sources, list); err != nil {
			return err
		}
	}
	return o.writeSummary(list)
}

// warn prints the entries of the list of equivalent mutants that no longer exist in the code.
func warn(all []*mutant, equivalent map[string]string) {
	there := map[string]bool{}
	for _, m := range all {
		there[m.ID] = true
	}
	for id := range equivalent {
		if !there[id] {
			fmt.Printf("listed as equivalent, but there is no such mutant: %s\n", id)
		}
	}
}

// writeSummary writes the summary of the sample's results.
func (o *options) writeSummary(list []chosen) error {
	known, err := readResults(o.out)
	if err != nil {
		return err
	}
	var results []result
	for _, m := range list {
		if r, ok := known[m.ID]; ok && r.Seeds == o.seeds {
			results = append(results, r)
		}
	}
	fmt.Printf("%d of %d tried, with %d seeds each\n\n", len(results), len(list), o.seeds)
	summarize(os.Stdout, results)
	return nil
}

// tryAll tries the mutants of the sample that have no result yet, and writes each result at once.
func (o *options) tryAll(sources []*source, list []chosen) error {
	known, err := readResults(o.out)
	if err != nil {
		return err
	}
	code, err := fingerprint(o.root)
	if err != nil {
		return err
	}
	all, err := targets(o.root, strings.Fields(o.tests), o.simulation, o.seeds)
	if err != nil {
		return err
	}
	w := &tester{options: o, sources: sources, targets: all,
		cacheDir: filepath.Join(filepath.Dir(o.out), "without-"+code)}
	done := 0
	for _, m := range list {
		r, ok := known[m.ID]
		tried := ok && r.Seeds == o.seeds && !(o.again && !r.isCaught())
		if tried || !strings.Contains(m.ID, o.only) {
			continue
		}
		if o.max > 0 && done == o.max {
			return nil
		}
		done++
		fmt.Printf("%s (line %d)\n    %s\n", m.ID, m.Line, m.Diff)
		r, err := w.try(m)
		if err != nil {
			return err
		}
		fmt.Printf("    unit tests: %s %s; simulation: %s %s\n",
			r.Unit.How, r.Unit.By, r.Sim.How, r.Sim.By)
		if err := addResult(o.out, r); err != nil {
			return err
		}
	}
	return nil
}

// tester tries mutants.
type tester struct {
	*options
	sources  []*source
	targets  []*target
	cacheDir string // results of runs without a mutant
}

// try tries one mutant.
func (w *tester) try(m chosen) (result, error) {
	r := result{ID: m.ID, Line: m.Line, Package: m.source.path, Op: m.Op, Diff: m.Diff,
		Seeds: w.seeds}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	overlay, err := write(dir, m)
	if err != nil {
		return r, err
	}
	var units, simulation []*target
	for _, t := range w.targets {
		switch {
		case !t.deps[m.source.path]:
		case t.seeds > 0:
			simulation = append(simulation, t)
		default:
			units = append(units, t)
		}
	}
	if r.Unit, err = w.through(units, m, dir, overlay); err != nil {
		return r, err
	}
	r.Sim, err = w.through(simulation, m, dir, overlay)
	return r, err
}

// through tries a mutant on one target after the other until one notices it.
func (w *tester) through(list []*target, m chosen, dir, overlay string) (trial, error) {
	sum := trial{How: unreached}
	for _, t := range list {
		if err := t.measure(w.root, w.cacheDir, w.sources, w.processes); err != nil {
			return sum, err
		}
	}
	for _, t := range inOrder(list, m.source.path) {
		if !t.reaches(m.mutant) {
			continue
		}
		one, err := t.try(w.root, dir, overlay, w.processes)
		if err != nil {
			return sum, err
		}
		sum = trial{one.How, one.By, append(sum.Flaky, one.Flaky...), sum.Seconds + one.Seconds}
		if one.How != passed {
			break
		}
	}
	return sum, nil
}

// write writes the changed file and an overlay that replaces the original file by it.
func write(dir string, m chosen) (overlay string, err error) {
	changed := filepath.Join(dir, filepath.Base(m.file.abs))
	overlay = filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file.abs: changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(changed, m.text, 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// fingerprint identifies a state of the module's Go files.
func fingerprint(root string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") && d.Name() != "go.sum" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %d ", strings.TrimPrefix(path, root), len(text))
		sum.Write(text)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil)[:6]), err
}
