package reference

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Random values of expressions and task tokens cannot be computed: the history shows them. Until it
// has shown one, a drawn text is a unique mark, which can be part of other texts; a drawn number is
// a drawnInt. A value computed from them is undetermined, and is not compared.

type drawnInt struct{ min, max int64 }

type undetermined struct{}

// The encodings are as short as any value that they stand for: if they are too large, so is the
// value.
func (drawnInt) MarshalJSON() ([]byte, error)     { return []byte("0"), nil }
func (undetermined) MarshalJSON() ([]byte, error) { return []byte("0"), nil }

// slack returns by how many bytes a value's text can turn out longer than it is now.
func slack(v any) int {
	switch v := v.(type) {
	case drawnInt:
		return 20
	case undetermined:
		return 1 << 30
	case string:
		return 400 * strings.Count(v, "<~token ")
	case []any:
		n := 0
		for _, e := range v {
			n += slack(e)
		}
		return n
	case object:
		n := 0
		for _, e := range v {
			n += slack(e)
		}
		return n
	}
	return 0
}

var marks = regexp.MustCompile(`<~(uuid|token) [0-9]+~>`)

func isMarked(s string) bool { return strings.Contains(s, "<~") && marks.MatchString(s) }

// open reports whether a tree has a part that is not known yet.
func open(v any) bool {
	switch v := v.(type) {
	case drawnInt, undetermined:
		return true
	case string:
		return isMarked(v)
	case []any:
		return slices.ContainsFunc(v, open)
	case object:
		for k := range v {
			if open(v[k]) {
				return true
			}
		}
	}
	return false
}

// drawn holds the marks of an execution and the values that the history has shown for them.
type drawn struct {
	count int
	shown map[string]string
	taken map[string]string // the reverse: no value is drawn twice
}

func newDrawn() *drawn { return &drawn{shown: map[string]string{}, taken: map[string]string{}} }

// uuid returns a mark of the same length as the value that it stands for.
func (d *drawn) uuid() string {
	d.count++
	return fmt.Sprintf("<~uuid %027d~>", d.count)
}

func (d *drawn) token() string {
	d.count++
	return fmt.Sprintf("<~token %d~>", d.count)
}

// settle replaces the marks whose values are known.
func (d *drawn) settle(v any) any {
	switch v := v.(type) {
	case string:
		if !isMarked(v) {
			return v
		}
		return marks.ReplaceAllStringFunc(v, func(m string) string {
			if s, ok := d.shown[m]; ok {
				return s
			}
			return m
		})
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = d.settle(v[i])
		}
		return out
	case object:
		out := object{}
		for k := range v {
			out[k] = d.settle(v[k])
		}
		return out
	}
	return v
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-` +
		`[0-9a-f]{12}`)
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9+/=_-]+`)
)

// match describes how the history differs from the expected value; "" if it does not. It records
// the values of marks.
func (d *drawn) match(want, got any) string {
	switch want := want.(type) {
	case undetermined:
		return ""
	case drawnInt:
		if n, ok := whole(got); !ok || n < want.min || n >= want.max {
			return fmt.Sprintf(": a random number from %d to below %d, not %s", want.min, want.max,
				text(got))
		}
		return ""
	case string:
		if got, ok := got.(string); ok {
			return d.matchText(want, got)
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			break
		}
		for i := range want {
			if diff := d.match(want[i], list[i]); diff != "" {
				return fmt.Sprintf("[%d]%s", i, diff)
			}
		}
		return ""
	case object:
		m, ok := got.(object)
		if !ok || !slices.Equal(keys(want), keys(m)) {
			break
		}
		for _, k := range keys(want) {
			if diff := d.match(want[k], m[k]); diff != "" {
				return "." + k + diff
			}
		}
		return ""
	default:
		if equal(want, got) {
			return ""
		}
	}
	return fmt.Sprintf(": want %.300s, got %.300s", text(want), text(got))
}

func (d *drawn) matchText(want, got string) string {
	settled := d.settle(want).(string)
	found := marks.FindAllString(settled, -1)
	if len(found) == 0 {
		if settled == got {
			return ""
		}
		return fmt.Sprintf(": want %.300s, got %.300s", text(settled), text(got))
	}
	wrong := fmt.Sprintf(": want %.300s, got %.300s", text(settled), text(got))
	rest := got
	for _, m := range found {
		before, after, _ := strings.Cut(settled, m)
		var fits bool
		if rest, fits = strings.CutPrefix(rest, before); !fits {
			return wrong
		}
		form := tokenForm
		if strings.HasPrefix(m, "<~uuid") {
			form = uuidForm
		}
		drawn := form.FindString(rest)
		if drawn == "" {
			return wrong
		}
		if diff := d.show(m, drawn); diff != "" {
			return diff
		}
		settled, rest = after, rest[len(drawn):]
	}
	if settled != rest {
		return wrong
	}
	return ""
}

// show records the value of a mark.
func (d *drawn) show(mark, as string) string {
	if before, ok := d.shown[mark]; ok && before != as {
		return fmt.Sprintf(": want %s again, got %s", before, as)
	}
	if other, ok := d.taken[as]; ok && other != mark {
		return fmt.Sprintf(": %s was drawn before", as)
	}
	d.shown[mark], d.taken[as] = as, mark
	return ""
}
