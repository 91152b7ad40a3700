package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// target is a test binary to try mutants on: the unit tests of a package, or the simulation.
type target struct {
	pkg, dir string
	seeds    uint64 // of the simulation; 0 for unit tests
	deps     map[string]bool

	// The results of a run without a mutant; nil until then.
	base    profile
	seconds float64
}

// targets lists the unit tests of the patterns, and the simulation last.
func targets(root string, patterns []string, simulation string, seeds uint64) ([]*target, error) {
	list, err := golist(root, slices.Concat([]string{"-test"}, patterns, []string{simulation})...)
	if err != nil {
		return nil, err
	}
	var all []*target
	var last *target
	dirs := map[string]string{}
	for _, p := range list {
		dirs[p.ImportPath] = p.Dir
	}
	for _, p := range list {
		pkg, ok := strings.CutSuffix(p.ImportPath, ".test")
		if !ok {
			continue
		}
		t := &target{pkg: pkg, dir: dirs[pkg], deps: map[string]bool{}}
		for _, d := range p.Deps {
			name, _, _ := strings.Cut(d, " ") // "a [b.test]" is a, compiled for the test of b
			t.deps[name] = true
		}
		if strings.HasSuffix(pkg, strings.TrimPrefix(simulation, ".")) {
			t.seeds, last = seeds, t
			continue
		}
		all = append(all, t)
	}
	if last == nil {
		return nil, fmt.Errorf("%s has no tests", simulation)
	}
	return append(all, last), nil
}

// args returns the arguments and the environment of a part of the target's runs.
func (t *target) args(part, parts int, limit time.Duration) (args, env []string) {
	args = []string{"-test.timeout", limit.String()}
	if t.seeds == 0 {
		return append(args, "-test.failfast"), nil
	}
	return append(args, "-test.run", "^TestSeeds$", "-seed", "1",
		"-runs", fmt.Sprint(t.seeds), "-failures", "1",
		"-shrink=false", "-part", fmt.Sprintf("%d/%d", part, parts)), []string{"GOMAXPROCS=1"}
}

// limitMin is the minimum time limit, even for the quickest tests.
var limitMin = time.Minute

// limit returns the time limit of a run: a multiple of its time without a mutant, because the
// machine may have other work.
func (t *target) limit() time.Duration {
	return limitMin + time.Duration(6*t.seconds*float64(time.Second))
}

// measure runs the target once without a mutant, and records its time and the code that it reaches.
// It stores them in a folder for the next time.
func (t *target) measure(root, kept string, sources []*source, processes int) error {
	name := filepath.Join(kept, strings.ReplaceAll(t.pkg, "/", "_"))
	if t.seeds > 0 {
		name += fmt.Sprintf(".%d", t.seeds)
	}
	if t.base != nil {
		return nil
	}
	if t.recall(name) == nil {
		return nil
	}
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return err
	}
	binary := name + ".test"
	defer os.Remove(binary)
	var paths []string
	for _, s := range sources {
		paths = append(paths, s.path)
	}
	there, err := build(root, t.pkg, binary, "-cover", "-covermode=set",
		"-coverpkg="+strings.Join(paths, ","))
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("%s has no tests", t.pkg)
	}
	parts := t.parts(processes)
	profiles := make([]string, parts)
	for i := range profiles {
		profiles[i] = fmt.Sprintf("%s.%d.cover", name, i)
	}
	begun := time.Now()
	h, out, err := t.run(binary, processes, 30*time.Minute, func(part int) []string {
		return []string{"-test.coverprofile", profiles[part]}
	})
	if err != nil {
		return err
	}
	if h != passed {
		return fmt.Errorf("%s has %s without a mutant:\n%s", t.pkg, h, out)
	}
	t.seconds = time.Since(begun).Seconds()
	took := fmt.Appendf(nil, "%.1f %d\n", t.seconds, parts)
	if err := os.WriteFile(name+".seconds", took, 0o644); err != nil {
		return err
	}
	return t.recall(name)
}

// recall reads the record of measure.
func (t *target) recall(name string) error {
	text, err := os.ReadFile(name + ".seconds")
	if err != nil {
		return err
	}
	var parts int
	var seconds float64
	if _, err := fmt.Sscan(string(text), &seconds, &parts); err != nil {
		return err
	}
	base := profile{}
	for i := range parts {
		if err := base.readProfile(fmt.Sprintf("%s.%d.cover", name, i)); err != nil {
			return err
		}
	}
	t.base, t.seconds = base, seconds
	return nil
}

func (t *target) parts(processes int) int {
	if t.seeds == 0 {
		return 1
	}
	return processes
}

// run runs the target's binary, the simulation in several processes. The first process that fails
// ends the others. more returns further arguments.
func (t *target) run(binary string, processes int, limit time.Duration,
	more func(part int) []string) (outcome, string, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var mu sync.Mutex
	result, printed := passed, ""
	var wrong error
	var work sync.WaitGroup
	parts := t.parts(processes)
	for part := range parts {
		work.Go(func() {
			args, env := t.args(part, parts, limit)
			args = append(args, more(part)...)
			h, out, err := run(ctx, t.dir, limit+10*time.Second, env, binary, args...)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case ctx.Err() != nil: // another one failed first
			case err != nil:
				wrong = errors.Join(wrong, err)
			case h != passed:
				result, printed = h, out
				cancel()
			}
		})
	}
	work.Wait()
	if result == failed && strings.Contains(printed, "panic: test timed out after") {
		result = hung
	}
	return result, printed, wrong
}

// trial is the result of a mutant in one target, or in several targets in turn.
type trial struct {
	How     outcome  `json:"how"`
	By      string   `json:"by,omitempty"`    // the test, or the seed, and the failure
	Flaky   []string `json:"flaky,omitempty"` // tests that failed once and then passed
	Seconds float64  `json:"seconds"`
}

// reaches reports whether the target may reach the mutant's code.
func (t *target) reaches(m *mutant) bool {
	before := m.file.text[:m.edits[0].from]
	column := len(before) - strings.LastIndex(string(before), "\n")
	return t.base.reaches(m.source.path+"/"+filepath.Base(m.file.name), m.Line, column)
}

// try builds the target with the mutant and runs it.
func (t *target) try(root, dir, overlay string, processes int) (trial, error) {
	begun := time.Now()
	binary := filepath.Join(dir, "mutant.test")
	defer os.Remove(binary)
	if _, err := build(root, t.pkg, binary, "-overlay", overlay); err != nil {
		return trial{How: unbuilt, By: err.Error(), Seconds: time.Since(begun).Seconds()}, nil
	}
	none := func(int) []string { return nil }
	h, out, err := t.run(binary, processes, t.limit(), none)
	result := trial{How: h, By: t.blamed(out)}
	// a test that depends on the clock may fail by itself
	if err == nil && h == failed && t.seeds == 0 {
		again := func(int) []string { return nil }
		if names := failedTests(out); len(names) > 0 {
			pattern := "^(" + strings.Join(names, "|") + ")$"
			again = func(int) []string { return []string{"-test.run", pattern} }
		}
		if h, _, err = t.run(binary, processes, t.limit(), again); h == passed {
			result = trial{How: passed, Flaky: []string{result.By}}
		}
	}
	if result.How == passed {
		result.By = ""
	}
	result.Seconds = time.Since(begun).Seconds()
	return result, err
}

var failLine = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

func failedTests(out string) []string {
	var names []string
	for _, m := range failLine.FindAllStringSubmatch(out, -1) {
		names = append(names, regexp.QuoteMeta(m[1]))
	}
	return names
}

// blamed returns the test that failed, or the first line of the output.
func (t *target) blamed(out string) string {
	if t.seeds > 0 {
		return "simulation: " + clip(firstLine(out))
	}
	if names := failedTests(out); len(names) > 0 {
		return t.pkg + ": " + names[0]
	}
	return t.pkg + ": " + clip(firstLine(out))
}

func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// inOrder returns the tests of the mutated package first, then the quick ones.
func inOrder(list []*target, of string) []*target {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *target) int {
		if (a.pkg == of) != (b.pkg == of) {
			if a.pkg == of {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.seconds, b.seconds)
	})
	return list
}
