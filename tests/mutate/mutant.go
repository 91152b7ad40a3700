package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// mutant is one change of one file.
type mutant struct {
	ID   string // file:function:operator:hash; it does not change when the code around it moves
	File string
	Line int
	Func string // with its receiver; for a constant or variable of the package, its name
	Op   string // the operator that made it
	Diff string // before -> after, in one line

	source *source
	file   *file
	edits  []edit // the first one that compiles is used
}

// edit replaces the bytes [from, to) of a file.
type edit struct {
	from, to int
	text     string
}

// apply returns the file's text with the change.
func (e edit) apply(text []byte) []byte {
	return slices.Concat(text[:e.from], []byte(e.text), text[e.to:])
}

// find returns all mutants of a package, in the order of its files, including those that do not
// compile. All of them have different texts.
func find(s *source) []*mutant {
	var all []*mutant
	seen := map[string]bool{}
	ids := map[string]int{}
	for _, f := range s.files {
		if ast.IsGenerated(f.tree) {
			continue
		}
		for _, m := range mutantsOf(s, f) {
			sum := sha256.Sum256(m.edits[0].apply(f.text))
			key := f.name + string(sum[:])
			if seen[key] {
				continue
			}
			seen[key] = true
			if ids[m.ID]++; ids[m.ID] > 1 { // the same change of an equal line of the function
				m.ID = fmt.Sprintf("%s-%d", m.ID, ids[m.ID])
			}
			all = append(all, m)
		}
	}
	return all
}

// mutantsOf returns the mutants of a file.
func mutantsOf(s *source, f *file) []*mutant {
	var found []*mutant
	for _, d := range f.tree.Decls {
		for _, part := range parts(d) {
			v := &visit{source: s, file: f, top: part.node}
			v.walk(part.node)
			for _, p := range v.proposals {
				found = append(found, newMutant(s, f, part.name, p))
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *mutant) int {
		return cmp.Compare(a.edits[0].from, b.edits[0].from)
	})
	return found
}

// part is a function, or one line of a declaration of constants or variables.
type part struct {
	name string
	node ast.Node
}

func parts(d ast.Decl) []part {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if name == "String" || name == "GoString" || d.Body == nil {
			return nil // texts for people
		}
		if d.Recv != nil && len(d.Recv.List) == 1 {
			name = receiver(d.Recv.List[0].Type) + "." + name
		}
		return []part{{name, d}}
	case *ast.GenDecl:
		var list []part
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && len(v.Values) > 0 {
				list = append(list, part{v.Names[0].Name, v})
			}
		}
		return list
	}
	return nil
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

func newMutant(s *source, f *file, function string, p proposal) *mutant {
	first := p.edits[0]
	before, after := lines(f.text, first)
	if p.shown.IsValid() {
		at := int(p.shown - f.tree.FileStart)
		before, _ = lines(f.text, edit{from: at, to: at})
		after = before + " … " + after
	}
	// The line before distinguishes lines that a function has several times, such as `return err`.
	sum := sha256.Sum256([]byte(lineBefore(f.text, first.from) + "\x00" + before + "\x00" + after))
	return &mutant{
		ID:   fmt.Sprintf("%s:%s:%s:%s", f.name, function, p.op, hex.EncodeToString(sum[:4])),
		File: f.name, Line: 1 + bytes.Count(f.text[:first.from], []byte("\n")),
		Func: function, Op: p.op, Diff: clip(before) + " -> " + clip(after),
		source: s, file: f, edits: p.edits,
	}
}

// lineBefore returns the last non-empty line above a place.
func lineBefore(text []byte, at int) string {
	above := bytes.Split(text[:at], []byte("\n"))
	for i := len(above) - 2; i >= 0; i-- {
		if line := bytes.TrimSpace(above[i]); len(line) > 0 {
			return string(line)
		}
	}
	return ""
}

// lines returns the lines that a change touches, before and after, with normalized spaces.
func lines(text []byte, e edit) (before, after string) {
	from := strings.LastIndex(string(text[:e.from]), "\n") + 1
	to := len(text)
	if i := strings.Index(string(text[e.to:]), "\n"); i >= 0 {
		to = e.to + i
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	after = string(text[from:e.from]) + e.text + string(text[e.to:to])
	return squeeze(string(text[from:to])), squeeze(after)
}

// clip shortens a line for display.
func clip(s string) string {
	const longest = 140
	if s == "" {
		return "(nothing)"
	}
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}

// compile picks the first edit that compiles and returns the file with it. ok is false if none
// compiles.
func (m *mutant) compile() (text []byte, ok bool) {
	for i, e := range m.edits {
		text := e.apply(m.file.text)
		if _, err := m.source.check(m.file, text, nil); err == nil {
			if i > 0 {
				before, after := lines(m.file.text, e)
				m.Diff = clip(before) + " -> " + clip(after)
			}
			return text, true
		}
	}
	return nil, false
}
