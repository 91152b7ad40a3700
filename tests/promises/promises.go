// Package promises lists what Millrace promises, the faults under which the promises hold, and
// where each is checked. docs/reliability.md shows the lists. The test of this package checks that
// every invariant, model property and test that they name exists, and that no invariant of the
// simulation is missing.
package promises

import (
	"fmt"
	"strings"
)

// Promise is something that must hold, and where it is checked.
type Promise struct {
	Says       string
	Invariants []string // of the simulation, by name
	Models     []string // "model: property": the comment of an assertion, or the name of a formula
	Tests      []string // "package: TestName, TestOther"
	Open       string   // what is not checked, and the other evidence for it; "": no gap is known
}

// Topic is a group of promises.
type Topic struct {
	Name     string
	Promises []Promise
}

// Fault is something that goes wrong in tests, and where.
type Fault struct {
	Says  string
	Sim   []string // as in the list of the simulation's seeds: "fault hint lost", "run forger"
	Tests []string // as in Promise
	Open  string
}

// Invariant is a check of the simulation. A failure begins with its Name.
type Invariant struct{ Name, Says string }

// Table returns the promises as Markdown, one table for each topic.
func Table(topics []Topic) string {
	var b strings.Builder
	for i, topic := range topics {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "| %s | simulation | models | tests | not checked |\n| --- | --- | --- "+
			"| --- | --- |\n", topic.Name)
		for _, p := range topic.Promises {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.Says,
				orNowhere(strings.Join(p.Invariants, ", ")),
				orNowhere(strings.Join(p.Models, "; ")), tests(p.Tests), p.Open)
		}
	}
	return b.String()
}

// FaultTable returns the faults as Markdown.
func FaultTable(faults []Fault) string {
	var b strings.Builder
	b.WriteString("| fault | simulation | tests | not made |\n| --- | --- | --- | --- |\n")
	for _, f := range faults {
		made := "no"
		if len(f.Sim) > 0 {
			made = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Says, made, tests(f.Tests), f.Open)
	}
	return b.String()
}

// InvariantTable returns the invariants as Markdown, with the changes of the code that each alone
// catches.
func InvariantTable(list []Invariant, alone map[string][]string) string {
	var b strings.Builder
	b.WriteString("| invariant | what must hold | mutants that it alone catches |\n| --- | --- " +
		"| --- |\n")
	for _, v := range list {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", v.Name, v.Says, strings.Join(alone[v.Name], "; "))
	}
	return b.String()
}

// tests returns the names of tests by package, as Markdown.
func tests(list []string) string {
	var text []string
	for _, entry := range list {
		pkg, of, _ := strings.Cut(entry, ": ")
		names := "`" + strings.ReplaceAll(of, ", ", "`, `") + "`"
		text = append(text, strings.TrimPrefix(pkg, "shared/")+": "+names)
	}
	return orNowhere(strings.Join(text, "; "))
}

// orNowhere returns a dash for an empty text: nothing checks the promise.
func orNowhere(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
