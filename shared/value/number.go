package value

import (
	"strconv"
	"strings"
)

// FromInt returns an integer as a number.
func FromInt(i int64) Number { return Number(strconv.FormatInt(i, 10)) }

// FromFloat returns a finite float as a number. It writes integers below 2^53 without fraction or
// exponent.
func FromFloat(f float64) Number {
	if f == float64(int64(f)) && f < 1<<53 && f > -(1<<53) {
		return FromInt(int64(f))
	}
	return Number(strconv.FormatFloat(f, 'g', -1, 64))
}

// Int returns the exact integer of a number, or false if the number is not an integer or exceeds 64
// bits. 5.0 and 5e2 are integers.
func Int(n Number) (int64, bool) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, true
	}
	d, ok := parseDecimal(string(n))
	switch {
	case !ok || d.huge != "":
		return 0, false
	case d.zero():
		return 0, true
	case d.exponent < int64(d.len()) || d.exponent > 19:
		return 0, false // a fraction, or longer than 64 bits
	}
	var few [20]byte
	text := few[:0]
	if d.negative {
		text = append(text, '-')
	}
	text = append(append(text, d.whole...), d.fraction...)
	for i := int64(d.len()); i < d.exponent; i++ {
		text = append(text, '0')
	}
	i, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, false
	}
	return i, true
}

// Compare returns the order of two numbers by their decimal values: -1, 0 or 1. It is exact for all
// lengths and exponents, and takes time in proportion to the lengths of the texts. A text that is
// not a number counts as 0.
func Compare(a, b Number) int {
	x, xerr := strconv.ParseInt(string(a), 10, 64)
	if xerr == nil {
		if y, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	}
	c, _ := parseDecimal(string(a))
	d, _ := parseDecimal(string(b))
	return c.compare(&d)
}

// AppendKey appends a text that is the same for equal numbers and different for others, such as
// 12e1 for 120 and 1.2e2.
func AppendKey(dst []byte, n Number) []byte {
	d, _ := parseDecimal(string(n))
	if d.zero() {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(append(dst, d.whole...), d.fraction...)
	dst = append(dst, 'e')
	if d.huge != "" {
		negative, digits := d.power()
		if negative {
			dst = append(dst, '-')
		}
		return append(dst, digits...)
	}
	return strconv.AppendInt(dst, d.exponent, 10)
}

// decimal is a number split into parts without copying: 0.DIGITS times ten to the power of an
// exponent, where the first and the last digit are not 0. The digits are whole followed by
// fraction; the number 0 has no digits.
type decimal struct {
	negative        bool
	whole, fraction string
	exponent        int64 // of the point before the digits
	// huge is a written exponent that may exceed int64, to add to exponent; "" if there is none.
	huge string
}

// exponentDigits is the length up to which a written exponent, plus what is added to it, fits
// int64.
const exponentDigits = 17

// parseDecimal parses a number as in JSON, or with a plus or leading zeros. It returns false if the
// text is not a number.
func parseDecimal(text string) (decimal, bool) {
	var d decimal
	rest := text
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.negative = rest[0] == '-'
		rest = rest[1:]
	}
	d.whole, rest = cutDigits(rest)
	if rest != "" && rest[0] == '.' {
		d.fraction, rest = cutDigits(rest[1:])
	}
	if d.whole == "" && d.fraction == "" || !d.readExponent(rest) {
		return decimal{}, false
	}
	d.normalize()
	return d, true
}

func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

// readExponent reads what follows the digits: nothing, or e and a signed integer.
func (d *decimal) readExponent(rest string) bool {
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	rest, sign := rest[1:], ""
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		if rest[0] == '-' {
			sign = "-"
		}
		rest = rest[1:]
	}
	digits, after := cutDigits(rest)
	if digits == "" || after != "" {
		return false
	}
	if digits = strings.TrimLeft(digits, "0"); len(digits) > exponentDigits {
		d.huge = sign + digits
	} else if digits != "" {
		d.exponent, _ = strconv.ParseInt(sign+digits, 10, 64)
	}
	return true
}

// normalize drops the zeros at both ends of the digits and moves the point before them.
func (d *decimal) normalize() {
	d.exponent += int64(len(d.whole))
	before := len(d.whole)
	d.whole = strings.TrimLeft(d.whole, "0")
	d.exponent -= int64(before - len(d.whole))
	if d.whole == "" {
		before = len(d.fraction)
		d.fraction = strings.TrimLeft(d.fraction, "0")
		d.exponent -= int64(before - len(d.fraction))
	}
	if d.fraction = strings.TrimRight(d.fraction, "0"); d.fraction == "" {
		d.whole = strings.TrimRight(d.whole, "0")
	}
	if d.zero() {
		*d = decimal{}
	}
}

func (d *decimal) zero() bool { return d.whole == "" && d.fraction == "" }

func (d *decimal) len() int { return len(d.whole) + len(d.fraction) }

// power returns the exponent as text, for exponents that may exceed int64. The written exponent is
// by far the larger part, so it determines the sign.
func (d *decimal) power() (negative bool, digits string) {
	add := d.exponent
	digits = d.huge
	if digits == "" {
		digits = strconv.FormatInt(d.exponent, 10)
		add = 0
	}
	negative = digits[0] == '-'
	digits = strings.TrimPrefix(digits, "-")
	if negative {
		add = -add
	}
	return negative, addTo(digits, add)
}

// addTo adds an integer to a positive number that is given as digits and is greater than it.
func addTo(digits string, n int64) string {
	if n == 0 {
		return digits
	}
	sum := []byte("0" + digits)
	for i := len(sum) - 1; i >= 0 && n != 0; i-- {
		n += int64(sum[i] - '0')
		digit := n % 10
		if n /= 10; digit < 0 {
			digit += 10
			n--
		}
		sum[i] = byte('0' + digit)
	}
	return strings.TrimLeft(string(sum), "0")
}

func (d *decimal) compare(e *decimal) int {
	if x, y := d.sign(), e.sign(); x != y {
		if x < y {
			return -1
		}
		return 1
	}
	if d.zero() {
		return 0
	}
	order := d.comparePowers(e)
	if order == 0 {
		order = d.compareDigits(e)
	}
	if d.negative {
		order = -order
	}
	return max(-1, min(order, 1))
}

func (d *decimal) sign() int {
	switch {
	case d.zero():
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func (d *decimal) comparePowers(e *decimal) int {
	switch {
	case d.huge != "" || e.huge != "":
		return d.compareHuge(e)
	case d.exponent < e.exponent:
		return -1
	case d.exponent > e.exponent:
		return 1
	}
	return 0
}

func (d *decimal) compareHuge(e *decimal) int {
	negative, digits := d.power()
	other, others := e.power()
	order := strings.Compare(digits, others)
	switch {
	case negative && !other:
		return -1
	case other && !negative:
		return 1
	case len(digits) != len(others):
		order = len(digits) - len(others)
	}
	if negative {
		return -order
	}
	return order
}

// compareDigits compares the digits from the first on. If one sequence is a prefix of the other,
// the longer one is greater, because the last digit is never 0.
func (d *decimal) compareDigits(e *decimal) int {
	for i := range min(d.len(), e.len()) {
		if x, y := d.digit(i), e.digit(i); x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	switch {
	case d.len() < e.len():
		return -1
	case d.len() > e.len():
		return 1
	}
	return 0
}

func (d *decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	return d.fraction[i-len(d.whole)]
}

// IsNumeric reports whether a text is a decimal number: as in JSON, or with a plus, leading zeros,
// or no digit on one side of the point. Other forms that some programs accept, such as 0x1, inf and
// 1_000, are not numbers.
func IsNumeric(text string) bool {
	_, ok := parseDecimal(text)
	return ok
}
