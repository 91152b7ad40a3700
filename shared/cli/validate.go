package cli

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/pflag"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// validateFlags are the flags of `validate`.
type validateFlags struct {
	name, mode string
	strict     bool
}

func validateCommand() *command {
	return &command{
		name: "validate", args: "FILE…", short: "Check definitions, without a server", json: true,
		argsMin: 1, argsMax: -1,
		long: "Everything that is wrong, or looks wrong, is shown with its line. A FILE may be - " +
			"for the standard input, a\n" +
			"pattern, or a folder, in which all .yaml and .yml files that look like a definition " +
			"are checked. The exit code is 1\n" +
			"when there is an error; warnings do not count without --strict.",
		examples: "millrace validate orders.yaml\n" +
			"# all flows of a project, for a CI job\n" +
			"millrace validate --strict flows/\n" +
			"# for an editor\n" +
			"millrace validate - --output json < orders.yaml",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &validateFlags{}
			f.StringVarP(&o.name, "name", "n", "",
				"`NAME` that the flow will have, which its definition may repeat")
			f.StringVar(&o.mode, "mode", flow.Standard,
				"`MODE` that the flow will have: Standard or Express")
			f.BoolVar(&o.strict, "strict", false, "warnings count as errors")
			return o.validate
		},
	}
}

// checked counts the files and their diagnostics.
type checked struct{ files, errors, warnings, skipped, cases int }

// skip counts a file that is not a definition.
func (n *checked) skip(path string) {
	if n.skipped++; isCases(path) {
		n.cases++
	}
}

// finding is a diagnostic, for programs.
type finding struct {
	File          string
	Line, Column  int
	Severity      string
	Rule, Path    string
	Message, Hint string
}

func (o *validateFlags) validate(c *invocation) error {
	list, err := files(c.args, isDefinition)
	switch {
	case err != nil:
		return err
	case o.mode != flow.Standard && o.mode != flow.Express:
		return c.wrong(oneOf("--mode", o.mode, flagValues["mode"]))
	case o.name != "" && len(list) != 1:
		return c.wrong(errors.New("--name goes with one file"))
	}
	var n checked
	findings := []finding{}
	for _, file := range list {
		text, err := c.read(file.path)
		if err != nil {
			return err
		}
		if (!file.named || isCases(file.path)) && !looksLikeDefinition(text) {
			n.skip(file.path)
			continue
		}
		findings = append(findings, o.check(c, &n, file.path, text)...)
	}
	switch {
	case n.files > 0:
	case n.cases > 0:
		return usagef("no definition found; `millrace test` runs files of cases")
	default:
		return usagef("no definition found")
	}
	if c.forPrograms() {
		if err := c.writeJSON(findings); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(c.Stdout, n.String())
	}
	if n.errors > 0 || o.strict && n.warnings > 0 {
		return errQuiet{ExitFailed}
	}
	return nil
}

// check checks one definition and prints its diagnostics for people.
func (o *validateFlags) check(
	c *invocation, n *checked, path string, text []byte,
) (findings []finding) {
	_, all := fdl.Parse(text, fdl.Options{Name: o.name, Mode: o.mode})
	n.files++
	n.errors += all.Errors()
	n.warnings += len(all) - all.Errors()
	if path == "-" {
		path = "<stdin>"
	}
	for _, d := range all {
		if !c.forPrograms() {
			fmt.Fprintf(c.Stdout, "%s:%s", visible(path), d.Render(text))
		}
		findings = append(findings, newFinding(path, d))
	}
	return findings
}

func newFinding(path string, d yamldoc.Diagnostic) finding {
	return finding{
		File: path, Line: d.Line, Column: d.Column, Severity: d.Severity.String(),
		Rule: d.Rule, Path: d.Path, Message: d.Message, Hint: d.Hint,
	}
}

// String returns the summary.
func (n checked) String() string {
	s := plural(n.files, "definition", "definitions") + ": "
	switch {
	case n.errors == 0 && n.warnings == 0:
		s += "no errors"
	default:
		s += plural(n.errors, "error", "errors") + ", " + plural(n.warnings, "warning", "warnings")
	}
	if n.skipped > 0 {
		s += "; " + plural(n.skipped, "file is no definition", "files are no definitions")
	}
	return s
}

// topKey matches a top-level key of a definition of either dialect. Other files in a folder have
// none.
var topKey = regexp.MustCompile(`(?m)^["']?(?:Type|SpecVersion|States|type|steps)["']?[ \t]*:`)

func looksLikeDefinition(text []byte) bool { return topKey.Match(text) }
