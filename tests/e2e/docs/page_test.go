// Package docs_test checks the references of the definition languages against the code: a page
// must describe every word that the code knows, no others, and its examples must do what it says.
//
// A page follows these rules:
//
//   - A table describes the words in its first column: each code span there is one word, or the
//     whole cell if it has none. The table is found by the heading above it and by the first cell
//     of its header.
//   - A table whose header has the cells `expression` and `result` contains examples. The result is
//     a code span of JSON, or "error: " and a code span of the reason. Paths read the page's first
//     block of JSON, an object whose members are the roots.
//   - A block of YAML is a whole flow, test cases of the flow before it (`flow: NAME.yaml`, where
//     NAME is the name of the flow), or a fragment. A comment `# refused: TEXT` or
//     `# warning: TEXT` in the first line of a flow means that its compilation says TEXT.
package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/shared/expr"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// page is a page of docs/.
type page struct {
	name   string
	tables []mdTable
	blocks []block
	faults []string // what the checks have found
}

func (p *page) fault(format string, args ...any) {
	p.faults = append(p.faults, p.name+fmt.Sprintf(format, args...))
}

// mdTable is one table of a page.
type mdTable struct {
	heading string // text of the heading above it
	header  []string
	rows    [][]string
}

// block is one fenced block of a page.
type block struct {
	language, text string
	line           int
}

// words are the words of one table in the code, and the tables of a page that describe them.
type words struct {
	heading string // heading of the section, without #
	column  string // first cell of the header of its table, or of its tables
	// known maps each word to texts that its row must contain, such as a limit; nil if there are
	// none.
	known map[string][]string
}

// named returns words without texts.
func named(heading, column string, list []string) words {
	w := words{heading, column, map[string][]string{}}
	for _, word := range list {
		w.known[word] = nil
	}
	return w
}

// check runs all checks of a page: it describes all tables, and its examples do what it says. parse
// parses the expressions of its tables.
func check(t *testing.T, name string, parse parseFunc, tables ...words) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults(name, string(text), parse, tables...) {
		t.Error(fault)
	}
}

// faults returns what is wrong with the text of a page.
func faults(name, text string, parse parseFunc, tables ...words) []string {
	p := readPage(name, text)
	for _, w := range tables {
		p.describes(w)
	}
	p.runExpressions(parse)
	p.runFlows()
	return p.faults
}

// readPage splits the text of a page.
func readPage(name, text string) *page {
	p := &page{name: name}
	lines := strings.Split(text, "\n")
	heading := ""
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		language, fenced := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fenced:
			b := block{language: language, line: i + 2}
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
				b.text += lines[i] + "\n"
			}
			p.blocks = append(p.blocks, b)
		case strings.HasPrefix(line, "#"):
			heading = strings.ReplaceAll(strings.TrimSpace(strings.TrimLeft(line, "#")), "`", "")
		case strings.HasPrefix(line, "|"):
			table := mdTable{heading: heading, header: cells(line)}
			for i += 2; i < len(lines) && strings.HasPrefix(lines[i], "|"); i++ {
				table.rows = append(table.rows, cells(lines[i]))
			}
			i--
			p.tables = append(p.tables, table)
		}
	}
	return p
}

// cells returns the cells of a row. A bar in a cell is written \|.
func cells(line string) []string {
	const bar = "\x00"
	line = strings.Trim(strings.TrimSpace(strings.ReplaceAll(line, `\|`, bar)), "|")
	list := strings.Split(line, "|")
	for i, c := range list {
		list[i] = strings.TrimSpace(strings.ReplaceAll(c, bar, "|"))
	}
	return list
}

// span matches a code span. Two backquotes enclose a span that contains one.
var span = regexp.MustCompile("`` (.+?) ``|`([^`]+)`")

func spans(cell string) (list []string) {
	for _, m := range span.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

// describes checks that the page's tables for w contain exactly its words.
func (p *page) describes(w words) {
	if len(w.known) == 0 {
		p.fault(": the code has no words for %q", w.heading)
	}
	found := map[string]bool{}
	for _, table := range p.tables {
		if table.heading != w.heading || table.header[0] != w.column {
			continue
		}
		for _, row := range table.rows {
			list := spans(row[0])
			if list == nil {
				list = row[:1]
			}
			for _, word := range list {
				found[word] = true
				says, known := w.known[word]
				if !known {
					p.fault(", %q: the code has no %s %s", w.heading, w.column, word)
				}
				for _, text := range says {
					if !strings.Contains(strings.Join(row[1:], " | "), text) {
						p.fault(", %q: the row of %s does not say %q", w.heading, word,
							text)
					}
				}
			}
		}
	}
	for word := range w.known {
		if !found[word] {
			p.fault(", %q: no table with the column %q describes %s", w.heading,
				w.column, word)
		}
	}
}

// parseFunc parses an expression as the dialect of a page does.
type parseFunc func(source string) (*expr.Expr, *expr.Error)

// runExpressions evaluates the examples in the page's tables. A page without such tables may have
// no parser.
func (p *page) runExpressions(parse parseFunc) {
	roots := p.roots()
	for _, table := range p.tables {
		source, result := slices.Index(table.header, "expression"),
			slices.Index(table.header, "result")
		if source < 0 || result < 0 {
			continue
		}
		for _, row := range table.rows {
			if len(spans(row[source])) != 1 || len(spans(row[result])) != 1 {
				p.fault(", %q: %s | %s: each must be one code span", table.heading,
					row[source], row[result])
				continue
			}
			text, want := spans(row[source])[0], spans(row[result])[0]
			got, reason := evaluate(parse, roots, text)
			if strings.HasPrefix(row[result], "error: ") {
				if !strings.Contains(reason, want) {
					p.fault(": %s: the reason is %q and not %q", text, reason, want)
				}
				continue
			}
			tree, err := value.Decode([]byte(want))
			if err != nil || reason != "" || !value.Equal(tree, got) {
				p.fault(": %s is %s %s, not %s", text, value.Encode(got), reason, want)
			}
		}
	}
}

// evaluate returns the value of an expression, or the reason why it has none.
func evaluate(parse parseFunc, roots data, text string) (v any, reason string) {
	e, wrong := parse(text)
	if wrong != nil {
		return nil, wrong.Reason
	}
	budget := expr.DefaultBudget()
	v, err := e.Eval(roots, &budget)
	if err != nil {
		return nil, err.(*expr.Error).Reason
	}
	if _, absent := v.(expr.Absent); absent {
		return nil, "selects nothing"
	}
	return v, ""
}

// data is an expr.Env over the members of the page's first block of JSON.
type data map[string]any

var rootNames = map[expr.Root][]string{
	expr.Input: {"$Input", "$input"}, expr.Output: {"$Output"}, expr.Global: {"$Global"},
	expr.Context: {"$Context", "$context"}, expr.Item: {"$Item"}, expr.Local: {"$local"},
	expr.Default: {"$"},
}

func (d data) Root(r expr.Root) (any, error) {
	for _, name := range rootNames[r] {
		if v, ok := d[name]; ok {
			return v, nil
		}
	}
	return expr.Absent{}, nil
}

func (d data) Random() [16]byte { return [16]byte{1, 2, 3} }

// roots returns the members of the page's first block of JSON.
func (p *page) roots() data {
	for _, b := range p.blocks {
		if b.language != "json" {
			continue
		}
		tree, err := value.Decode([]byte(b.text))
		object, ok := tree.(map[string]any)
		if err != nil || !ok {
			p.fault(":%d: not a JSON object: %v", b.line, err)
		}
		return object
	}
	return nil
}

// runFlows compiles the flows of the page and runs their cases.
func (p *page) runFlows() {
	var definition, name string
	for _, b := range p.blocks {
		if b.language != "yaml" {
			continue
		}
		report := yamldoc.NewReport([]byte(b.text))
		root := yamldoc.Parse([]byte(b.text), 1<<20, report)
		switch {
		case root == nil || report.Failed():
			p.fault(":%d: not YAML: %+v", b.line, report.Diagnostics())
		case root.Kind == yamldoc.Map && root.Has("cases"):
			p.runCases(b, name, definition)
		case root.Kind == yamldoc.Map && isFlow(root):
			definition, name = b.text, ""
			for _, key := range []string{"Name", "name"} {
				if n := root.Get(key); n != nil {
					name = n.Text
				}
			}
			p.compile(b)
		}
	}
}

// isFlow reports whether a mapping is a whole flow.
func isFlow(root *yamldoc.Node) bool {
	for _, key := range []string{"Type", "type"} {
		if n := root.Get(key); n != nil && (n.Text == "StateMachine" || n.Text == "flow") {
			return true
		}
	}
	return false
}

// said matches the comment that announces what the compilation of a flow says.
var said = regexp.MustCompile(`^# (refused|warning): (.+)\n`)

// compile compiles a flow. Its diagnostics must be those that its first line announces.
func (p *page) compile(b block) {
	machine, diagnostics := fdl.Parse([]byte(b.text), fdl.Options{})
	announced := said.FindStringSubmatch(b.text)
	switch {
	case announced == nil && len(diagnostics) > 0:
		p.fault(":%d: %s", b.line, diagnostics[0].Render([]byte(b.text)))
	case announced == nil:
	case (announced[1] == "refused") != (machine == nil):
		p.fault(":%d: %s is wrong, the diagnostics are %+v", b.line, announced[1],
			diagnostics)
	case !slices.ContainsFunc(diagnostics, func(d yamldoc.Diagnostic) bool {
		return strings.Contains(d.Message, announced[2])
	}):
		p.fault(":%d: no diagnostic says %q: %+v", b.line, announced[2], diagnostics)
	}
}

// runCases runs the cases of a block against the flow before it.
func (p *page) runCases(b block, name, definition string) {
	file, err := flowtest.Load([]byte(b.text))
	if err != nil {
		p.fault(":%d: %v", b.line, err)
		return
	}
	if file.Flow != name+".yaml" {
		p.fault(":%d: the cases are of %q, the flow before them is %q", b.line,
			file.Flow, name)
	}
	machine, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: file.Mode})
	if machine == nil {
		p.fault(":%d: the flow does not compile: %+v", b.line, diagnostics)
		return
	}
	for i := range file.Cases {
		for _, line := range runCase(machine, &file.Cases[i]) {
			p.fault(":%d: %s", b.line+file.Cases[i].Line-1, line)
		}
	}
}

// runCase runs a case and returns what differs.
func runCase(machine *flow.Machine, c *flowtest.Case) []string {
	if unknown := c.UnknownStates(machine); len(unknown) > 0 {
		return unknown
	}
	c.Setup.FlowName = machine.Name
	c.Setup.Start = time.Date(2019, 5, 2, 15, 0, 0, 0, time.UTC).UnixMilli()
	result, err := flowtest.Execute(machine, flow.DefaultLimits(), c.Setup)
	if err != nil {
		return []string{err.Error()}
	}
	return flowtest.Check(machine, result, &c.Expect)
}
