// Package examples returns the example flows of both dialects (examples/), each with its
// cases: inputs, outcomes of tasks, and the expected results.
package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
)

// File is one example. Its Definition is set, and so is its FlowName, which each Setup has too.
type File struct {
	flowtest.File
	Name    string // of the file, without folders
	Machine *flow.Machine
}

// fewest is the minimum number of files of a dialect.
const fewest = 25

// All reads the files in the order of their names, those of StateMachine first.
func All() ([]*File, error) {
	root := "examples" // for a program that runs in the project's root
	if _, here, _, ok := runtime.Caller(0); ok && filepath.IsAbs(here) {
		root = filepath.Join(filepath.Dir(here), "../../../examples")
	}
	var all []*File
	for _, pattern := range []string{"statemachine/[0-9]*.cases.json", "flowv1/[0-9]*.yaml"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern)) // sorted
		if err != nil || len(paths) < fewest {
			return nil, fmt.Errorf("examples: %d files %s in %s, %v", len(paths), pattern, root,
				err)
		}
		for _, path := range paths {
			f, err := readFile(path)
			if err != nil {
				return nil, fmt.Errorf("examples: %s: %w", path, err)
			}
			all = append(all, f)
		}
	}
	return all, nil
}

func readFile(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	loaded, err := flowtest.Load(text)
	if err != nil {
		return nil, err
	}
	f := &File{File: *loaded, Name: filepath.Base(path)}
	if f.Flow != "" {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), f.Flow))
		if err != nil {
			return nil, err
		}
		f.Definition = string(text)
	}
	m, diagnostics := fdl.Parse([]byte(f.Definition), fdl.Options{Mode: f.Mode})
	if m == nil {
		return nil, fdl.Fault(diagnostics)
	}
	if f.Machine = m; f.FlowName == "" {
		f.FlowName = m.Name
	}
	for i := range f.Cases {
		f.Cases[i].Setup.FlowName = f.FlowName
	}
	return f, nil
}

// Each runs a test for each file.
func Each(t *testing.T, test func(*testing.T, *File)) {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) { test(t, f) })
	}
}
