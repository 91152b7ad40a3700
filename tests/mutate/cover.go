package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// profile holds the blocks of code that a run without a mutant has reached, by file as in coverage
// profiles: the import path and the file's name.
type profile map[string][]block

type block struct {
	fromLine, fromColumn, toLine, toColumn int
	reached                                bool
}

// readProfile reads a coverage profile. If several profiles have a block, it counts as reached if
// it is reached in one of them.
func (p profile) readProfile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "mode:") {
			continue
		}
		file, rest, ok := cutLast(s.Text(), ":")
		var b block
		var statements, count int
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &b.fromLine, &b.fromColumn,
			&b.toLine, &b.toColumn,
			&statements, &count); err != nil || !ok {
			return fmt.Errorf("%s: %q: %v", name, s.Text(), err)
		}
		b.reached = count > 0
		p[file] = append(p[file], b)
	}
	return nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// reaches reports whether the run may have reached a place. It returns false only if the place is
// in a block, and the smallest such block was never entered: code outside of all blocks, such as a
// constant, may be used from anywhere.
func (p profile) reaches(file string, line, column int) bool {
	var best block
	found := false
	for _, b := range p[file] {
		if !b.holds(line, column) {
			continue
		}
		switch {
		case !found || best.larger(b):
			best, found = b, true
		case b == (block{best.fromLine, best.fromColumn, best.toLine, best.toColumn, true}):
			best.reached = true
		}
	}
	return !found || best.reached
}

func (b block) holds(line, column int) bool {
	after := line > b.fromLine || line == b.fromLine && column >= b.fromColumn
	before := line < b.toLine || line == b.toLine && column < b.toColumn
	return after && before
}

// larger reports whether b begins before o or ends after it. Of two blocks that hold the same
// place, one is inside the other.
func (b block) larger(o block) bool {
	return b.holds(o.fromLine, o.fromColumn) && b.holds(o.toLine, o.toColumn) &&
		!(o.holds(b.fromLine, b.fromColumn) && o.holds(b.toLine, b.toColumn))
}
