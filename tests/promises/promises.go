// Package promises lists what Millrace promises, the faults that it promises it under, and where each is
// checked. docs/reliability.md shows the lists; the test of this package checks that every invariant,
// model property and test that they name is there, and that no invariant of the simulation is missing.
package promises

import (
	"fmt"
	"strings"
)

// Promise is something that must hold, and where that is checked.
type Promise struct {
	Says       string
	Invariants []string // of the simulation, by their names
	Models     []string // "model: property", as the comment of an assertion or the name of a formula has it
	Tests      []string // "package: TestName, TestOther"
	Open       string   // what is not checked, and what else speaks for it; "": nothing is known
}

// Topic is a group of promises.
type Topic struct {
	Name     string
	Promises []Promise
}

// Fault is something that goes wrong in tests, and where.
type Fault struct {
	Says  string
	Sim   []string // as the simulation's seeds list it: "fault hint lost", "run forger"
	Tests []string // as in Promise
	Open  string
}

// Invariant is a check of the simulation, by the name that a failure begins with.
type Invariant struct{ Name, Says string }

// Table gives the promises as Markdown, a table for each topic.
func Table(topics []Topic) string {
	var b strings.Builder
	for i, topic := range topics {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "| %s | simulation | models | tests | not checked |\n| --- | --- | --- | --- | --- |\n", topic.Name)
		for _, p := range topic.Promises {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.Says, orNowhere(strings.Join(p.Invariants, ", ")),
				orNowhere(strings.Join(p.Models, "; ")), tests(p.Tests), p.Open)
		}
	}
	return b.String()
}

// FaultTable gives the faults as Markdown.
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

// InvariantTable gives the invariants as Markdown, with the changes of the code that one alone catches.
func InvariantTable(list []Invariant, alone map[string][]string) string {
	var b strings.Builder
	b.WriteString("| invariant | what must hold | mutants that it alone catches |\n| --- | --- | --- |\n")
	for _, v := range list {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", v.Name, v.Says, strings.Join(alone[v.Name], "; "))
	}
	return b.String()
}

// tests gives the names of tests, each package's after its name.
func tests(list []string) string {
	var text []string
	for _, entry := range list {
		pkg, of, _ := strings.Cut(entry, ": ")
		names := "`" + strings.ReplaceAll(of, ", ", "`, `") + "`"
		text = append(text, strings.TrimPrefix(pkg, "shared/")+": "+names)
	}
	return orNowhere(strings.Join(text, "; "))
}

// orNowhere shows where nothing checks a promise.
func orNowhere(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
