package expr_test

import (
	"slices"
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/value"
)

func dynamic(t testing.TB, src string) *expr.Template {
	t.Helper()
	e, err := expr.Parse(src, stateMachineRoots)
	if err != nil {
		t.Fatal(err)
	}
	return expr.Dynamic(e)
}

func path(t testing.TB, src string) *expr.Template {
	t.Helper()
	e, err := expr.ParsePath(src, expr.Input)
	if err != nil {
		t.Fatal(err)
	}
	return expr.Dynamic(e)
}

func object(name string, v *expr.Template) *expr.Template {
	return expr.ObjectOf([]expr.Field{{Name: name, Value: v}})
}

func TestBuild(t *testing.T) {
	cases := []struct {
		template *expr.Template
		want     string
	}{
		{expr.Constant(nil), `null`},
		{expr.Constant("$Input.a"), `"$Input.a"`},
		{dynamic(t, `$Input.o`), `{"k":1,"with-dash":2}`},
		{expr.ObjectOf(nil), `{}`},
		{expr.ArrayOf(nil), `[]`},
		{expr.ObjectOf([]expr.Field{
			{"b", expr.Constant(value.Number("1.0"))},
			{"a", dynamic(t, `$Input.s`)},
			{"b", dynamic(t, `[$Input.z]`)},
		}), `{"a":"x","b":[null]}`},
		{expr.ObjectOf([]expr.Field{{"a", dynamic(t, `$Input.s`)}, {"a", expr.Constant(true)}}),
			`{"a":true}`},
		{expr.ArrayOf([]*expr.Template{object("x", dynamic(t, `$Input.a`)), expr.Constant("s")}),
			`[{"x":1},"s"]`},
		{object("x", path(t, `$input.missing`)), `{"x":null}`},
		{object("x", path(t, `$input.missing[*]`)), `{"x":[]}`},
	}
	for _, c := range cases {
		b := expr.DefaultBudget()
		got, err := c.template.Build(stateMachineEnv(t), &b)
		if err != nil || text(got) != c.want {
			t.Errorf("%v, %v, want %s", got, err, c.want)
		}
	}
}

func TestBuildFails(t *testing.T) {
	bad := `$Input.missing`
	cases := []struct {
		template *expr.Template
		member   string
	}{
		{dynamic(t, bad), ``},
		{object("body", dynamic(t, bad)), `body`},
		{object("body", object("user", expr.ArrayOf([]*expr.Template{object("name",
			dynamic(t, bad))}))), `body.user[0].name`},
		{expr.ArrayOf([]*expr.Template{expr.Constant(1), object("a-b", dynamic(t, bad))}),
			`[1]["a-b"]`},
		{object("", object("clé", dynamic(t, bad))), `[""].clé`},
	}
	for _, c := range cases {
		b := expr.DefaultBudget()
		_, err := c.template.Build(stateMachineEnv(t), &b)
		e, ok := err.(*expr.Error)
		if !ok || e.Member != c.member || e.Source != bad {
			t.Errorf("%#v, want member %s", err, c.member)
			continue
		}
		if c.member != "" && !strings.HasPrefix(e.Error(), c.member+": ") {
			t.Error(e)
		}
	}
}

func TestBuildStrict(t *testing.T) {
	b := expr.DefaultBudget()
	b.Strict = true
	_, err := object("x", path(t, `$input.missing`)).Build(stateMachineEnv(t), &b)
	if e, ok := err.(*expr.Error); !ok || e.Member != "x" || e.Source != "$input.missing" {
		t.Errorf("%v", err)
	}
	if v, err := object("x", path(t, `$input.z`)).Build(stateMachineEnv(t), &b); err != nil ||
		text(v) != `{"x":null}` {
		t.Errorf("%v, %v", v, err)
	}
}

func TestBuildOnBudget(t *testing.T) {
	_, err := object("x", dynamic(t, `$Input.a`)).Build(stateMachineEnv(t), &expr.Budget{Nodes: 10})
	if e, ok := err.(*expr.Error); !ok || strings.Contains(e.Error(), ` in ""`) {
		t.Errorf("%v", err)
	}
}

func TestConstantValue(t *testing.T) {
	constant := expr.ObjectOf([]expr.Field{
		{"a", expr.ArrayOf([]*expr.Template{expr.Constant("x"), expr.ObjectOf(nil)})},
		{"b", expr.Constant(1)}, {"b", expr.Constant(2)},
	})
	if v, ok := constant.ConstantValue(); !ok || text(v) != `{"a":["x",{}],"b":2}` {
		t.Errorf("%v, %v", v, ok)
	}
	if _, ok := object("a", dynamic(t, "1")).ConstantValue(); ok {
		t.Error("an expression counts as a constant")
	}
}

func TestExprs(t *testing.T) {
	template := expr.ObjectOf([]expr.Field{
		{"a", dynamic(t, "1")},
		{"b", expr.ArrayOf([]*expr.Template{dynamic(t, "2"), expr.Constant("x")})},
		{"c", dynamic(t, "3")},
	})
	var got []string
	for e := range template.Exprs() {
		got = append(got, e.String())
	}
	if !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Error(got)
	}
	for e := range template.Exprs() {
		if e.String() == "2" {
			break
		}
	}
}
