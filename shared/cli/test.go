package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
)

// testStart is the start time of every execution in a test, so that times computed by a flow are
// reproducible.
var testStart = time.Date(2019, 5, 2, 15, 0, 0, 0, time.UTC)

func testCommand() *command {
	return &command{
		name: "test", args: "[FILE|FOLDER…]",
		short: "Run flows against files of cases, without a server", json: true, argsMax: -1,
		long: "A file of cases names a flow, and for each case the input, the results of tasks, " +
			"and the expected end of the execution.\n" +
			"Waits take no time. In a folder, by default this one, the command runs all " +
			"*.cases.yaml, *.cases.yml and\n" +
			"*.cases.json files. It prints every difference; the exit code is 1 if there is one. " +
			"docs/testing.md describes the\n" +
			"format.",
		examples: "millrace test\n" +
			"# one case while working on it\n" +
			"millrace test orders.cases.yaml --run 'card declined' --verbose\n" +
			"# for a CI job\n" +
			"millrace test flows/ --junit report.xml",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &tester{}
			f.StringVar(&o.pattern, "run", "",
				"only the cases whose name matches `PATTERN`, a regular expression")
			f.BoolVarP(&o.verbose, "verbose", "v", false,
				"show the cases that pass too, and the states that each visited")
			f.StringVar(&o.junit, "junit", "",
				"write the results to `FILE` too, as the JUnit XML that CI systems read")
			return o.test
		},
	}
}

// tester runs files of test cases.
type tester struct {
	pattern string
	verbose bool
	junit   string

	run            *regexp.Regexp
	results        []caseResult
	passed, failed int // cases
	unusable       int // files
}

// caseResult is the result of a test case, for programs. A file that cannot be used has a result
// without a Case.
type caseResult struct {
	File        string
	Line        int
	Case        string
	Passed      bool
	Differences []string
	Status      string   `json:",omitempty"`
	Visited     []string `json:",omitempty"`
}

// unusable reports whether the result is that of a file that cannot be used.
func (r *caseResult) unusable() bool { return r.Line == 0 }

func (t *tester) test(c *invocation) error {
	if len(c.args) == 0 {
		c.args = []string{"."}
	}
	list, err := files(c.args, isCases)
	if err != nil {
		return err
	}
	if t.run, err = regexp.Compile(t.pattern); err != nil {
		return c.wrong(fmt.Errorf("--run cannot be %q: %w", t.pattern, err))
	}
	if len(list) == 0 {
		return usagef("no *.cases.yaml, *.cases.yml or *.cases.json file found")
	}
	for _, file := range list {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		t.file(c, file.path)
	}
	return t.summary(c, len(list))
}

// summary prints the counts. Running no case is an error: a --run pattern that matches nothing must
// not look like a passed test.
func (t *tester) summary(c *invocation, files int) error {
	if t.passed+t.failed+t.unusable == 0 {
		return usagef("no case matches --run %q", t.pattern)
	}
	if err := t.writeJUnit(); err != nil {
		return err
	}
	if c.forPrograms() {
		if err := c.writeJSON(t.results); err != nil {
			return err
		}
	} else {
		unusable := ""
		if t.unusable > 0 {
			unusable = "; " + plural(t.unusable, "file", "files") + " cannot be used"
		}
		fmt.Fprintf(c.Stdout, "%s in %s: %d passed, %d failed%s\n",
			plural(t.passed+t.failed, "case", "cases"),
			plural(files, "file", "files"), t.passed, t.failed, unusable)
	}
	if t.failed+t.unusable > 0 {
		return errQuiet{ExitFailed}
	}
	return nil
}

// file runs the test cases of a file.
func (t *tester) file(c *invocation, path string) {
	file, m, err := c.cases(path)
	if err != nil {
		t.add(c, caseResult{File: path, Differences: mistakes(err)})
		return
	}
	for _, k := range file.Cases {
		if t.run.MatchString(k.Name) {
			t.add(c, runCase(path, file, m, k))
		}
	}
}

// mistakes returns the lines of an error that joins several mistakes.
func mistakes(err error) (lines []string) {
	for _, err := range listed(err) {
		lines = append(lines, err.Error())
	}
	return lines
}

func (t *tester) add(c *invocation, r caseResult) {
	switch r.Passed = len(r.Differences) == 0; {
	case r.Passed:
		r.Differences = []string{} // an empty list, not null, for programs
		t.passed++
	case r.unusable():
		t.unusable++
	default:
		t.failed++
	}
	t.results = append(t.results, r)
	if !c.forPrograms() {
		t.print(c, r)
	}
}

func (t *tester) print(c *invocation, r caseResult) {
	where, word := r.File, "FAIL"
	if r.Line > 0 {
		where = fmt.Sprintf("%s:%d", r.File, r.Line)
	}
	switch {
	case r.Passed:
		word = "ok  "
	case r.unusable():
		word = "BAD "
	}
	if r.Passed && !t.verbose {
		return
	}
	fmt.Fprintln(c.Stdout, strings.TrimRight(word+"  "+visible(where)+"  "+visible(r.Case), " "))
	for _, d := range r.Differences {
		fmt.Fprintf(c.Stdout, "      %s\n", printable(d))
	}
	if t.verbose && r.Status != "" {
		fmt.Fprintf(c.Stdout, "      %s; visited %s\n", r.Status,
			visible(cmp.Or(strings.Join(r.Visited, ", "), "nothing")))
	}
}

// cases loads a file of test cases and the flow that it names. The error has all mistakes of the
// file, and those of the flow.
func (c *invocation) cases(path string) (*flowtest.File, *flow.Machine, error) {
	text, err := c.read(path)
	if err != nil {
		return nil, nil, err
	}
	file, wrong := flowtest.Load(text)
	if file == nil || file.Flow == "" && file.Definition == "" {
		return nil, nil, wrong
	}
	m, err := c.testedFlow(path, file)
	if m != nil {
		if wrong != nil {
			wrong = file.Mistakes(m)
		}
		return file, m, wrong
	}
	return nil, nil, errors.Join(append(listed(wrong), err)...)
}

// listed returns the errors that an error joins.
func listed(err error) []error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// testedFlow compiles the flow of a file of test cases.
func (c *invocation) testedFlow(path string, file *flowtest.File) (*flow.Machine, error) {
	definition, name := []byte(file.Definition), path
	if file.Flow != "" {
		name = filepath.FromSlash(file.Flow)
		if !filepath.IsAbs(name) && path != "-" {
			name = filepath.Join(filepath.Dir(path), name)
		}
		var err error
		if definition, err = c.read(name); err != nil {
			return nil, err
		}
	}
	m, diagnostics := fdl.Parse(definition, fdl.Options{Mode: file.Mode})
	if m != nil {
		return m, nil
	}
	wrong := "the flow cannot be used"
	for _, d := range diagnostics {
		wrong += "\n      " + name + ":" +
			strings.ReplaceAll(strings.TrimRight(d.Render(definition), "\n"), "\n", "\n      ")
	}
	return nil, errors.New(wrong)
}

// runCase runs a test case and compares the result.
func runCase(path string, file *flowtest.File, m *flow.Machine, k flowtest.Case) caseResult {
	r := caseResult{File: path, Line: k.Line, Case: k.Name}
	k.Setup.FlowName = cmp.Or(file.FlowName, m.Name, "flow")
	k.Setup.Start = testStart.UnixMilli()
	if r.Differences = k.UnknownStates(m); len(r.Differences) > 0 {
		return r
	}
	got, err := flowtest.Execute(m, flow.DefaultLimits(), k.Setup)
	if err != nil {
		r.Differences = append([]string{err.Error()}, flowtest.CheckSoFar(m, got, &k.Expect)...)
		return r
	}
	r.Status = got.Status.String()
	for _, v := range got.Entries {
		r.Visited = append(r.Visited, v.State)
	}
	r.Differences = flowtest.Check(m, got, &k.Expect)
	return r
}
