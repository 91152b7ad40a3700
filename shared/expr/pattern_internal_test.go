package expr

import (
	"fmt"
	"strings"
	"testing"
)

// costly are patterns that took milliseconds to seconds to parse, with a part of the error.
var costly = map[string]string{
	"(?i)[" + strings.Repeat(`\pL\PL`, 80) + "]":                 "Unicode classes",
	strings.Repeat(`\p{Greek}`, 9):                               "Unicode classes",
	"(?i)[" + strings.Repeat("A-\U0001e942", 80) + "]":           "(?i)",
	"(?si)[" + strings.Repeat(`A-\x{1e942}`, 8) + "]":            "(?i)",
	"a(?i:[" + strings.Repeat(`b\x{42}-\x{0000FFFF}`, 20) + "])": "(?i)",
	"(?i)[" + strings.Repeat(`\\-\x{10000}`, 30) + "]":           "(?i)",
}

// TestCostlyPatternsAreRefused: a pattern that costs more to parse than an evaluation may use is
// rejected before it is parsed, whether it is a constant or data.
func TestCostlyPatternsAreRefused(t *testing.T) {
	for text, want := range costly {
		b := DefaultBudget()
		b.Nodes = 1 << 40
		_, err := b.pattern(text)
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 1500 {
			t.Errorf("as data: %v, want %s", err, want)
		}
		if b.Nodes < 1<<40-100 {
			t.Errorf("%.40s: the refusal costs %d steps", text, 1<<40-b.Nodes)
		}
		literal := strings.ReplaceAll(text, `\`, `\\`)
		if _, err := Parse(`regexMatchString("a", "`+literal+`")`, Roots(0)); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("as a constant: %v, want %s", err, want)
		}
	}
}

// ordinary are patterns as flows use them.
var ordinary = []string{"", "a", `^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$`,
	`(?i)^(jpg|jpeg|png|gif)$`, `^\d{4}-\d{2}-\d{2}$`,
	`(?i)^[a-z一-龥]+$`, `^[一-龥]{2,4}$`, `[\x{4e00}-\x{9fa5}]`, `(?i)[\x{4e00}-\x{9fa5}]`,
	`(?i)\p{Han}+`, `^\pL[\pL\pN_]*$`,
	`(?i)[^\x00-\x7f]`, `[[:alpha:]]+[[:digit:]]*`, `(?i)[\w-]+`, `(?i)[A-\x{1e942}]`,
	`^1[3-9]\d{9}$`, strings.Repeat(`[a-z]-`, 80)}

// TestOrdinaryPatterns: ordinary patterns are accepted, also many times in one definition.
func TestOrdinaryPatterns(t *testing.T) {
	all := PatternBudget{Left: 3 * DefaultPatternBudget().Left}
	for _, text := range ordinary {
		literal := strings.ReplaceAll(text, `\`, `\\`)
		if _, err := all.Parse(`regexMatchString("a", "`+literal+`")`, Roots(0)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	w := DefaultPatternBudget()
	for range 200 {
		for _, text := range ordinary[1:6:6] {
			if strings.Contains(text, "龥") {
				continue
			}
			literal := strings.ReplaceAll(text, `\`, `\\`)
			if _, err := w.Parse(`regexMatchString("a", "`+literal+`")`, Roots(0)); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
}

// TestPatternsAreChargedOnce: using the same pattern again costs almost nothing; another pattern
// costs what parsing it takes.
func TestPatternsAreChargedOnce(t *testing.T) {
	b := DefaultBudget()
	spent := func(text string) int {
		before := b.Nodes
		if _, err := b.pattern(text); err != nil {
			t.Fatal(err)
		}
		return before - b.Nodes
	}
	const text = `(?i)[\pL\PL\pL]x`
	if got := spent(text); got < 3*unicodeWork {
		t.Errorf("the first time costs %d", got)
	}
	if got := spent(text); got > 10 {
		t.Errorf("the second time costs %d", got)
	}
	if got := spent(text + "y"); got < 3*unicodeWork {
		t.Errorf("another costs %d", got)
	}
	b.Nodes = 2000
	if _, err := b.pattern(text + "z"); err != errNodes || b.Nodes != 0 {
		t.Errorf("with 2000 steps: %v, %d left", err, b.Nodes)
	}
}

// TestPatternsOfADefinition: the constant patterns of several expressions share a budget.
func TestPatternsOfADefinition(t *testing.T) {
	w := DefaultPatternBudget()
	for i := range 1000 {
		_, err := w.Parse(fmt.Sprintf(`regexMatchString("a", "(?i)[\\pL\\PL\\pL\\PL]%d")`, i),
			Roots(0))
		if err != nil {
			if i < 100 || !strings.Contains(err.Error(), "take too much work to read") {
				t.Errorf("number %d: %v", i, err)
			}
			return
		}
	}
	t.Error("1000 patterns with Unicode classes are read")
}

// BenchmarkReadPattern measures the time of one step of readWork (ns/step), next to that of a path.
func BenchmarkReadPattern(b *testing.B) {
	for _, text := range append(ordinary[:len(ordinary):len(ordinary)],
		"(?i)["+strings.Repeat(`\pL\PL`, 4)+"]",
		"(?i)["+strings.Repeat(`\W`, 250)+"]", strings.Repeat("x*", 250),
		"(?i)["+strings.Repeat(`!-\xff`, 80)+"]") {
		b.Run(fmt.Sprintf("%.20q", text), func(b *testing.B) {
			steps := 0
			for b.Loop() {
				budget := Budget{Nodes: 1 << 40, Bytes: 1 << 40}
				if _, err := budget.pattern(text); err != nil {
					b.Fatal(err)
				}
				steps += 1<<40 - budget.Nodes
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(steps, 1)), "ns/step")
		})
	}
}
