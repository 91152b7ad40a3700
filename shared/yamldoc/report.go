package yamldoc

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"millrace/shared/suggest"
)

// perRuleMax is the maximum number of diagnostics of one rule, so that a hostile definition cannot
// cause an endless report.
const perRuleMax = 50

// Report collects the diagnostics of one definition.
type Report struct {
	text      []byte
	list      Diagnostics
	counts    map[string]int
	suggested int
	failed    bool
	empty     bool   // the text has no document
	quote     string // what the error in the text itself repeats of the text
}

// NewReport returns an empty report about a text.
func NewReport(text []byte) *Report { return &Report{text: text} }

// Text adds an error in the text itself.
func (r *Report) Text(line, column int, hint, format string, args ...any) {
	r.failed = true
	r.list = append(r.list, Diagnostic{Line: line, Column: column, Hint: hint,
		Message: fmt.Sprintf(format, args...)})
}

// Error adds an error at a node.
func (r *Report) Error(rule string, at *Node, path *Path, hint, format string, args ...any) {
	r.add(Error, rule, at.Line, at.Column, path, hint, format, args)
}

// ErrorIn adds an error inside the text of a string: offset counts bytes of its value.
func (r *Report) ErrorIn(rule string, at *Node, offset int, path *Path, hint, format string,
	args ...any) {
	line, column := at.Line, at.Column
	if r.counts[rule] < perRuleMax { // finding the place takes time
		line, column = r.within(at, offset)
	}
	r.add(Error, rule, line, column, path, hint, format, args)
}

// warnText adds warnings about the text itself.
func (r *Report) warnText(warnings []Problem) {
	for _, w := range warnings {
		r.add(Warning, "", w.Line, w.Column, nil, w.Hint, "%s", []any{w.Message})
	}
}

// Warn adds a warning at a node.
func (r *Report) Warn(at *Node, path *Path, hint, format string, args ...any) {
	r.add(Warning, "", at.Line, at.Column, path, hint, format, args)
}

// WarnKey adds a warning at a field's key.
func (r *Report) WarnKey(f *Field, path *Path, hint, format string, args ...any) {
	r.add(Warning, "", f.Line, f.Column, path, hint, format, args)
}

// ErrorKey adds an error at a field's key.
func (r *Report) ErrorKey(rule string, f *Field, path *Path, hint, format string, args ...any) {
	r.add(Error, rule, f.Line, f.Column, path, hint, format, args)
}

func (r *Report) add(s Severity, rule string, line, column int, path *Path, hint, format string,
	args []any) {
	r.failed = r.failed || s == Error
	if r.counts == nil {
		r.counts = make(map[string]int)
	}
	if r.counts[rule]++; r.counts[rule] > perRuleMax {
		return
	}
	r.list = append(r.list, Diagnostic{
		Line: line, Column: column, Severity: s, Rule: rule,
		Path: path.String(), Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// hintsMax is how many suggestions are looked for, because a search takes time.
const hintsMax = 40

// Suggest is like suggest.Hint, but on a budget: after many hints it returns "".
func (r *Report) Suggest(word string, candidates []string) string {
	if r.suggested++; r.suggested > hintsMax {
		return ""
	}
	return suggest.Hint(word, candidates)
}

// Empty reports whether the text has no document: it is blank, or has only comments.
func (r *Report) Empty() bool { return r.empty }

// Quote returns the part of the text that the error in the text itself repeats, or "". It may be a
// secret.
func (r *Report) Quote() string { return r.quote }

// SuggestNearest is like suggest.Nearest, but on the budget of Suggest.
func (r *Report) SuggestNearest(word string, candidates []string, distanceMax int) string {
	if r.suggested++; r.suggested > hintsMax {
		return ""
	}
	return suggest.Nearest(word, candidates, distanceMax)
}

// Failed reports whether there is an error.
func (r *Report) Failed() bool { return r.failed }

// Diagnostics returns the errors by rule and place, then the warnings by place.
func (r *Report) Diagnostics() Diagnostics {
	sort.SliceStable(r.list, func(i, j int) bool {
		a, b := &r.list[i], &r.list[j]
		switch {
		case a.Severity != b.Severity:
			return a.Severity < b.Severity
		case a.Rule != b.Rule:
			return a.Rule < b.Rule
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	return r.list
}

// within returns the place of an offset in the value of a string, as far as the text contains the
// value unchanged; otherwise the place of the string.
func (r *Report) within(at *Node, offset int) (line, column int) {
	text := string(r.text)
	for n := at.Line; n > 1; n-- {
		_, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return at.Line, at.Column
		}
		text = rest
	}
	column = at.Column
	for n := 1; n < column && text != ""; n++ {
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
	}
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		text = text[1:]
		column++
	}
	if offset < 0 || offset > len(at.Text) || !strings.HasPrefix(text, at.Text) ||
		strings.Contains(at.Text[:offset], "\n") {
		return at.Line, at.Column
	}
	return at.Line, column + utf8.RuneCountInString(at.Text[:offset])
}
