package fdl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// TestMachines compares the machines of definitions with golden files.
func TestMachines(t *testing.T) {
	names, err := filepath.Glob("testdata/machines/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			m, found := fdl.Parse(read(t, name), fdl.Options{})
			if m == nil {
				t.Fatal(found)
			}
			got := dump(m)
			golden := strings.TrimSuffix(name, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(read(t, golden)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

type dumper struct{ strings.Builder }

func dump(m *flow.Machine) string {
	var d dumper
	fmt.Fprintf(&d, "dialect %d name %s timeout %d nodes %d%s%s\n", m.Dialect, m.Name,
		m.TimeoutSeconds, len(m.Nodes),
		template(" input", m.Input), template(" output", m.Output))
	d.scope(m.Root, "")
	return d.String()
}

func (d *dumper) scope(s *flow.Scope, indent string) {
	if s == nil {
		return
	}
	fmt.Fprintf(d, "%sstart %d\n", indent, s.Start)
	for i, st := range s.States {
		fmt.Fprintf(d, "%s[%d] node %d line %d %s %s next %d%s%s%s\n", indent, i, st.Node, st.Line,
			st.Kind, st.Name, st.Next,
			template(" input", st.Input), template(" output", st.Output),
			template(" global", st.Global))
		d.body(st, indent+"    ")
	}
}

func (d *dumper) body(st *flow.State, indent string) {
	if w := st.Wait; w != nil {
		fmt.Fprintf(d, "%swait%s%s\n", indent, template(" seconds", w.Seconds),
			template(" until", w.Until))
	}
	if f := st.Fail; f != nil {
		fmt.Fprintf(d, "%sfail%s%s\n", indent, template(" code", f.Code),
			template(" detail", f.Detail))
	}
	if c := st.Choice; c != nil {
		for _, o := range c.Options {
			fmt.Fprintf(d, "%sif %s next %d\n", indent, o.Condition, o.Next)
			d.scope(o.Scope, indent+"    ")
		}
		fmt.Fprintf(d, "%sdefault next %d\n", indent, c.Default.Next)
		d.scope(c.Default.Scope, indent+"    ")
	}
	for i, b := range st.Parallel {
		fmt.Fprintf(d, "%sbranch %d\n", indent, i)
		d.scope(b, indent+"    ")
	}
	if m := st.Map; m != nil {
		fmt.Fprintf(d, "%smap %s item %q index %q concurrency %d%s\n", indent, m.Items,
			m.Item, m.Index, m.Concurrency, distribution(m.Distributed))
		d.scope(m.Processor, indent+"    ")
	}
	if k := st.Task; k != nil {
		fmt.Fprintf(d, "%stask %s resource %q mode %d pattern %q%s%s%s\n", indent, k.Action,
			k.Resource, k.Mode, k.Pattern,
			template(" parameters", k.Parameters), template(" timeout", k.Timeout),
			template(" errorOutput", k.ErrorOutput))
	}
	for _, r := range st.Retry {
		fmt.Fprintf(d, "%sretry %+v\n", indent, r)
	}
	for _, r := range st.Catch {
		fmt.Fprintf(d, "%scatch %v next %d%s\n", indent, r.Errors, r.Next,
			template(" output", r.Output))
	}
}

func distribution(d *flow.Distribution) string {
	if d == nil {
		return ""
	}
	text := " distributed " + d.Mode + template(" constructor", d.Item) +
		template(" items", d.ItemsMax) + template(" tolerated", d.ToleratedCount) +
		template(" percentage", d.ToleratedPercentage)
	if d.Batch != nil {
		text += " batch" + template(" items", d.Batch.ItemsMax) +
			template(" bytes", d.Batch.BytesMax) + template(" input", d.Batch.Input)
	}
	return text
}

// env gives each root a text that names the root, so that a template shows what it selects.
type env struct{}

func (env) Root(r expr.Root) (any, error) {
	names := map[expr.Root]string{
		expr.Input: "input", expr.Output: "output", expr.Context: "context", expr.Global: "global",
		expr.Item: "item", expr.Local: "local", expr.Default: "default",
	}
	return nil, fmt.Errorf("reads %s", names[r])
}

func (env) Random() [16]byte { return [16]byte{} }

// template renders a constant as JSON, and any other template as its expressions and the root that
// it reads first.
func template(label string, t *expr.Template) string {
	if t == nil {
		return ""
	}
	if v, ok := t.ConstantValue(); ok {
		return label + " " + string(value.Encode(v))
	}
	var parts []string
	for e := range t.Exprs() {
		parts = append(parts, e.String())
	}
	_, err := t.Build(env{}, &expr.Budget{Nodes: 1000, Bytes: 1000})
	return fmt.Sprintf("%s {%s} %v", label, strings.Join(parts, "; "), err)
}
