package value_test

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"millrace/shared/value"
)

// randomNumber returns a number whose digits, point and exponent often make it equal to another
// one.
func randomNumber(r *rand.Rand) value.Number {
	var text strings.Builder
	if r.IntN(2) == 0 {
		text.WriteByte('-')
	}
	digits := func(digitsMax int) {
		for range 1 + r.IntN(digitsMax) {
			text.WriteByte("00129"[r.IntN(5)])
		}
	}
	digits([]int{3, 25}[r.IntN(2)])
	if r.IntN(2) == 0 {
		text.WriteByte('.')
		digits(4)
	}
	if r.IntN(2) == 0 {
		text.WriteString("e" + strconv.Itoa(r.IntN(60)-30))
	}
	return value.Number(text.String())
}

func TestCompareIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	equal := 0
	for range 200_000 {
		a, b := randomNumber(r), randomNumber(r)
		x, ok := new(big.Rat).SetString(string(a))
		y, both := new(big.Rat).SetString(string(b))
		if !ok || !both {
			t.Fatal(a, b)
		}
		want := x.Cmp(y)
		if got := value.Compare(a, b); got != want {
			t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
		}
		ka, kb := string(value.AppendKey(nil, a)), string(value.AppendKey(nil, b))
		if (ka == kb) != (want == 0) {
			t.Fatalf("keys of %s and %s: %s and %s", a, b, ka, kb)
		}
		i, ok := value.Int(a)
		if fits := x.IsInt() && x.Num().IsInt64(); ok != fits || ok && i != x.Num().Int64() {
			t.Fatalf("Int(%s) = %d, %v", a, i, ok)
		}
		if want == 0 {
			equal++
		}
	}
	if equal < 1000 {
		t.Errorf("only %d pairs were equal", equal)
	}
}

// TestCompareHugeExponents: exponents that could never be written out cost no more than their
// digits.
func TestCompareHugeExponents(t *testing.T) {
	nines := strings.Repeat("9", 900)
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1e" + nines, "1e1" + nines, -1}, {"1e" + nines, "10e" + nines, -1},
		{"1e-" + nines, "10e-" + nines, -1},
		{"1e1" + strings.Repeat("0", 900), "10e" + nines, 0},
		{"1e-1" + strings.Repeat("0", 900), "0.1e-" + nines, 0},
		{"-1e" + nines, "1e-" + nines, -1}, {"1e" + nines, "1e-" + nines, 1},
	} {
		if got := value.Compare(value.Number(c.a), value.Number(c.b)); got != c.want {
			t.Errorf("Compare(%.20s…, %.20s…) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := value.Compare(value.Number(c.b), value.Number(c.a)); got != -c.want {
			t.Errorf("Compare(%.20s…, %.20s…) = %d, want %d", c.b, c.a, got, -c.want)
		}
		ka, kb := string(value.AppendKey(nil, value.Number(c.a))),
			string(value.AppendKey(nil, value.Number(c.b)))
		if (ka == kb) != (c.want == 0) {
			t.Errorf("keys of %.20s… and %.20s…: %v", c.a, c.b, ka == kb)
		}
	}
}

func TestIsNumeric(t *testing.T) {
	for text, want := range map[string]bool{
		"1": true, "-1": true, "+1": true, "01": true, "1.": true, ".5": true, "1e5": true,
		"1E-5": true, "1e400": true,
		strings.Repeat("7", 5000): true, "": false, ".": false, "-": false, "e5": false,
		"1e": false, "1e+": false, "0x1": false,
		"1_000": false, "inf": false, "NaN": false, " 1": false, "1 ": false, "--1": false,
		"1.2.3": false, "1e5.5": false, "１": false,
	} {
		if got := value.IsNumeric(text); got != want {
			t.Errorf("IsNumeric(%.20q) = %v", text, got)
		}
	}
}
