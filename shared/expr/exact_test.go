package expr_test

import (
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/value"
)

// TestNumbersCompareExactly: numbers of any length are compared by their decimal values, in both
// dialects.
func TestNumbersCompareExactly(t *testing.T) {
	w := &fakeEnv{roots: map[expr.Root]any{expr.Input: map[string]any{
		"text": "20261130070000000001", "n": value.Number("20261130070000000002"),
		"m":    value.Number("20261130070000000001"),
		"fine": value.Number("1.00000000000000000001"), "big": value.Number("1e400"),
		"bigger": value.Number("1e401"),
		"tiny":   value.Number("1e-400"),
		"list": []any{value.Number("20261130070000000001"), value.Number("20261130070000000002"),
			value.Number("20261130070000000001.0")},
		"later": map[string]any{"id": value.Number("20261130070000000003")},
	}}}
	for src, want := range map[string]string{
		`$Input.text == $Input.n`:                                         `false`,
		`$Input.text == $Input.m`:                                         `true`,
		`$Input.text < $Input.n`:                                          `true`,
		`$Input.n <= $Input.text`:                                         `false`,
		`$Input.n == $Input.m`:                                            `false`,
		`$Input.n > $Input.m`:                                             `true`,
		`$Input.m == 20261130070000000001`:                                `true`,
		`$Input.m == 2026113007000000000.1e1`:                             `true`,
		`$Input.fine == 1`:                                                `false`,
		`1 < $Input.fine`:                                                 `true`,
		`$Input.big == $Input.bigger`:                                     `false`,
		`$Input.big < $Input.bigger`:                                      `true`,
		`"1e400" == $Input.big`:                                           `true`,
		`$Input.tiny == 0`:                                                `false`,
		`arrayContains($Input.list, 20261130070000000003)`:                `false`,
		`20261130070000000003 in $Input.list`:                             `false`,
		`20261130070000000002 in $Input.list`:                             `true`,
		`arrayUnique($Input.list)`:                                        `[20261130070000000001,20261130070000000002]`,
		`arrayUnique([1, 1.0, 1e0, 10e-1, 1.00000000000000000001])`:       `[1,1.00000000000000000001]`,
		`arrayUnique([$Input.big, $Input.bigger, $Input.big])`:            `[1e400,1e401]`,
		`[$Input.later] == [{"id": 20261130070000000004}]`:                `false`,
		`arrayUnique([{"id": $Input.n}, $Input.later, {"id": $Input.n}])`: `[{"id":20261130070000000002},{"id":20261130070000000003}]`,
	} {
		got, err := eval(src, w)
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if text(got) != want {
			t.Errorf("%s = %s, want %s", src, text(got), want)
		}
	}
}

func TestStringsOfDigitsCompareExactly(t *testing.T) {
	long := strings.Repeat("1234567890", 300)
	w := &fakeEnv{roots: map[expr.Root]any{expr.Default: map[string]any{
		"id": "2026113007000000000000000001", "next": "2026113007000000000000000002",
		"zeros": "002026113007000000000000000001",
		"edge":  "9223372036854775807", "over": "9223372036854775808",
		"n":    value.Number("9223372036854775808"),
		"hash": "0e462097431906509019562988736854", "other": "0e830400451993494058024219903391",
		"short": "0e1", "zero": "0",
		"long": long + "1", "longer": long + "2", "fine": "1.00000000000000000001", "one": "1.0",
		"thousand": "1e3",
		"list":     []any{value.Number("20261130070000000001")},
	}}}
	for src, want := range map[string]bool{
		`$.id == $.next`:                   false,
		`$.id != $.next`:                   true,
		`$.id == $.zeros`:                  true,
		`$.edge == $.over`:                 false,
		`$.over == $.n`:                    true,
		`$.edge == $.n`:                    false,
		`$.edge < $.n`:                     true,
		`$.hash == $.other`:                false,
		`$.hash == $.hash`:                 true,
		`$.short == $.zero`:                false,
		`$.thousand == "1000"`:             false,
		`$.thousand == 1000`:               true,
		`$.long == $.longer`:               false,
		`$.long != $.longer`:               true,
		`$.long == $.long`:                 true,
		`$.fine == $.one`:                  false,
		`$.one == "1"`:                     true,
		`$.one == 1`:                       true,
		`$.fine == 1`:                      false,
		`20261130070000000002 in $.list`:   false,
		`20261130070000000001 in $.list`:   true,
		`[20261130070000000002] == $.list`: false,
	} {
		e, parseErr := expr.ParseCondition(src)
		if parseErr != nil {
			t.Errorf("%s: %v", src, parseErr)
			continue
		}
		b := expr.DefaultBudget()
		if got, err := e.Condition(w, &b); err != nil || got != want {
			t.Errorf("%s = %v, %v, want %v", src, got, err, want)
		}
	}
}

// TestNumbersMadeAreBounded: numbers that an expression computes do not exceed the maximum length
// of a number.
func TestNumbersMadeAreBounded(t *testing.T) {
	longest := value.Number(strings.Repeat("7", 1000))
	w := &fakeEnv{roots: map[expr.Root]any{expr.Input: map[string]any{"n": longest,
		"m": "-" + longest[1:]}}}
	if _, err := eval(`-$Input.m`, w); err != nil {
		t.Error(err)
	}
	_, err := eval(`-$Input.n`, w)
	if failed, ok := err.(*expr.Error); !ok || !strings.Contains(failed.Reason,
		"longer than 1000 characters") {
		t.Error(err)
	}
}
