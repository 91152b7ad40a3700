// Package strict decodes what an operator writes, in YAML or JSON, into structs: the configuration,
// the functions file, the credentials file. It accepts nothing that a struct does not name, and
// reports all mistakes of a text at once, each with its place and what to do:
//
//	FILE:LINE:COLUMN: what is wrong; what to do
package strict

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"millrace/shared/suggest"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// Options say how a text is decoded.
type Options struct {
	BytesMax int
	Help     string // what follows the last mistake: where the format is documented
	// Settings says that the text has settings: the case of letters in their names does not matter,
	// null means the default, and a text that looks like a number or a boolean needs quotes. In
	// other files a text is taken as written, with or without quotes.
	Settings bool
	// Secret says that the text has secrets: errors repeat nothing of it but words that can be
	// misspelt names. Texts must not be empty.
	Secret bool
	// Check, if it is not nil, is called with a pointer to each struct that has been decoded, the
	// inner ones first, and reports what else is wrong there.
	Check func(at Place, v any)
}

// mistakesMax is how many mistakes of a text are reported.
const mistakesMax = 20

// Read reads the file at path. Of a file with more than bytesMax bytes it reads one byte more,
// which Decode rejects.
func Read(path string, bytesMax int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(bytesMax)+1))
}

// Decode decodes a text into what into points to. The error joins a *yamldoc.FileError for each
// mistake in the file of that name. A text without a document changes nothing.
//
// A member of a struct has the name in its tag `json`, or that of the field. The tag `strict` may
// hold, separated by commas: required; null, which permits null, for the default; one, which
// permits an item in place of a list with one item.
func Decode(name string, text []byte, into any, o Options) error {
	report := yamldoc.NewReport(text)
	root := yamldoc.Parse(text, o.BytesMax, report)
	d := &decoder{Options: o, broken: map[*yamldoc.Node]bool{}}
	switch {
	case root != nil:
		d.decode(root, "", reflect.ValueOf(into).Elem(), member{})
	case !report.Empty():
		d.unreadable(report)
	}
	return d.errors(name)
}

// decoder decodes one text and collects its mistakes.
type decoder struct {
	Options
	mistakes []*yamldoc.FileError
	path     []*yamldoc.Node        // the node that is being decoded, and those that it is in
	broken   map[*yamldoc.Node]bool // nodes with a mistake in them
}

// failAt adds a mistake, and marks the current node.
func (d *decoder) failAt(line, column int, format string, args ...any) {
	for _, n := range d.path {
		d.broken[n] = true
	}
	d.mistakes = append(d.mistakes, &yamldoc.FileError{Line: line, Column: column,
		Message: fmt.Sprintf(format, args...)})
}

func (d *decoder) fail(n *yamldoc.Node, format string, args ...any) {
	d.failAt(n.Line, n.Column, format, args...)
}

// unreadable adds the mistake of a text that is neither YAML nor JSON.
func (d *decoder) unreadable(report *yamldoc.Report) {
	first := report.Diagnostics()[0]
	what, quote := first.Message, report.Quote()
	if first.Hint != "" && quote == "" { // otherwise the hint may repeat more of the text
		what += "; " + first.Hint
	}
	if d.Secret && quote != "" && !isWord(quote) {
		what = "this is neither YAML nor JSON; check the indentation and the quotes"
	}
	d.failAt(first.Line, first.Column, "%s", what)
}

// errors returns the mistakes in the order of the text, or nil.
func (d *decoder) errors(name string) error {
	slices.SortStableFunc(d.mistakes, func(a, b *yamldoc.FileError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(d.mistakes) > mistakesMax {
		d.mistakes = append(d.mistakes[:mistakesMax], &yamldoc.FileError{
			Message: fmt.Sprintf("more than %d mistakes", mistakesMax)})
	}
	list := make([]error, len(d.mistakes))
	for i, m := range d.mistakes {
		m.Path = name
		if d.Help != "" && i == len(list)-1 {
			m.Message += "; " + d.Help
		}
		list[i] = m
	}
	return errors.Join(list...)
}

// unknown adds the mistake of a member that does not exist, and suggests one that does.
func (d *decoder) unknown(f *yamldoc.Field, name string, known []member) {
	names := make([]string, len(known))
	for i, m := range known {
		names[i] = m.name
	}
	hint := ""
	if isWord(f.Key) || !d.Secret {
		hint = suggest.Hint(f.Key, names)
		name = " " + value.Quote(qualified(name, f.Key))
	} else {
		name = " such member"
	}
	if hint == "" {
		hint = "known here: " + strings.Join(names, ", ")
	}
	d.failAt(f.Line, f.Column, "there is no%s; %s", name, hint)
}

// isWord reports whether a text looks like a name that somebody has misspelt. Anything else may be
// a secret: YAML reads `secret:x`, without a blank, as a key.
func isWord(s string) bool {
	const longest = 14 // securityToken has 13 letters; secrets are longer
	return len(s) <= longest && strings.Trim(s, letters) == ""
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// qualified returns the name of a member with the names of what it is part of.
func qualified(name, member string) string {
	if name == "" {
		return member
	}
	return name + "." + member
}
