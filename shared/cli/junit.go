package cli

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"os"
	"strings"
)

// The XML of a JUnit report: the part that CI systems read.
type (
	junitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}

	// junitSuite is a file of cases.
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}

	// junitCase is a case. A file that cannot be used is a suite with one case that has an Error.
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		File    string       `xml:"file,attr"`
		Line    int          `xml:"line,attr,omitempty"`
		Failure *junitReason `xml:"failure"`
		Error   *junitReason `xml:"error"`
	}

	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes the report, if there is a file for it.
func (t *tester) writeJUnit() error {
	if t.junit == "" {
		return nil
	}
	text, err := xml.MarshalIndent(junit(t.results), "", "  ")
	if err != nil {
		return err
	}
	text = append([]byte(xml.Header), append(text, '\n')...)
	if err := os.WriteFile(t.junit, text, 0o644); err != nil {
		return fmt.Errorf("--junit: %w", readable(err))
	}
	return nil
}

// junit returns the report of results, which are ordered by file.
func junit(results []caseResult) *junitReport {
	report := &junitReport{}
	for i := range results {
		r := &results[i]
		last := len(report.Suites) - 1
		if last < 0 || report.Suites[last].Name != r.File {
			report.Suites = append(report.Suites, junitSuite{Name: r.File})
			last++
		}
		suite := &report.Suites[last]
		c := junitCase{Name: cmp.Or(r.Case, fmt.Sprintf("line %d", r.Line)), Class: r.File,
			File: r.File, Line: r.Line}
		suite.Tests++
		report.Tests++
		if !r.Passed {
			reason := &junitReason{r.Differences[0], strings.Join(r.Differences, "\n")}
			if r.unusable() {
				c.Name, c.Error = "the file", reason
				suite.Errors++
				report.Errors++
			} else {
				c.Failure = reason
				suite.Failures++
				report.Failures++
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	return report
}
