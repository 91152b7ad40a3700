package cron

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// LengthMax is the maximum length of an expression, in bytes.
const LengthMax = 256

// everyMax is the longest interval in minutes: ten years.
const everyMax = 5_256_000

// field is one of the six fields.
type field struct {
	name     string
	min, max int
	names    string // of the values from 1 on, three letters each
	special  string // the characters that are allowed besides digits and letters
}

var fields = [...]field{
	{name: "seconds", max: 59},
	{name: "minutes", max: 59, special: ",-*/"},
	{name: "hours", max: 23, special: ",-*/"},
	{name: "day of month", min: 1, max: 31, special: ",-*?/"},
	{name: "month", min: 1, max: 12, names: "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", special: ",-*/"},
	{name: "day of week", max: 7, names: "MONTUEWEDTHUFRISATSUN", special: ",-*?"},
}

const (
	weekdayField = len(fields) - 1
	zonePrefix   = "CRON_TZ="
)

var everyForm = regexp.MustCompile(`^@every +([0-9]{1,12})m$`)

// Parse parses an expression. The error says what is wrong, in which field, and at which character
// of the text, counted from 1. An expression that never plans a time is an error.
func Parse(text string) (*Expression, error) {
	if len(text) > LengthMax {
		return nil, fmt.Errorf("it has more than %d bytes", LengthMax)
	}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("it is not UTF-8")
	}
	e := &Expression{zone: time.UTC}
	words := split(text)
	if len(words) > 0 && strings.HasPrefix(words[0].text, zonePrefix) {
		var err error
		if e.zone, err = parseZone(words[0].text[len(zonePrefix):]); err != nil {
			return nil, err
		}
		text = text[words[0].end:]
		words = words[1:]
	}
	if len(words) > 0 && strings.HasPrefix(words[0].text, "@") {
		return e, e.parseEvery(strings.TrimSpace(text))
	}
	if len(words) != len(fields) {
		return nil, fmt.Errorf("it has %d fields; six are needed: seconds, minutes, hours, day of "+
			"month, month, day of week", len(words))
	}
	for i, w := range words {
		set, err := fields[i].parse(w.text)
		if err != nil {
			return nil, fmt.Errorf("%s %q, at character %d: %w", fields[i].name, w.text, w.at, err)
		}
		e.setField(i, set)
	}
	if e.Next(time.Unix(0, 0), time.Time{}).IsZero() {
		return nil, fmt.Errorf("it never comes: no day has this day of month, month and day of week")
	}
	return e, nil
}

// word is a part of an expression between blanks.
type word struct {
	text string
	at   int // number of its first character, from 1
	end  int // offset in bytes of what follows it
}

func split(text string) (words []word) {
	isBlank := func(r rune) bool { return r == ' ' || r == '\t' }
	for offset := 0; offset < len(text); {
		rest := text[offset:]
		begin := strings.IndexFunc(rest, func(r rune) bool { return !isBlank(r) })
		if begin < 0 {
			break
		}
		end := strings.IndexFunc(rest[begin:], isBlank)
		if end < 0 {
			end = len(rest) - begin
		}
		words = append(words, word{text: rest[begin : begin+end], end: offset + begin + end,
			at: utf8.RuneCountInString(text[:offset+begin]) + 1})
		offset += begin + end
	}
	return words
}

func parseZone(name string) (*time.Location, error) {
	if name == "UTC" {
		return time.UTC, nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%s needs the name of a time zone, like Asia/Shanghai", zonePrefix)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%s: there is no time zone %q; its name is like Asia/Shanghai",
			zonePrefix, name)
	}
	return zone, nil
}

func (e *Expression) parseEvery(text string) error {
	m := everyForm.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q must be @every <n>m, with a whole number of minutes", text)
	}
	n, _ := strconv.Atoi(m[1])
	if n < 1 || n > everyMax {
		return fmt.Errorf("@every takes 1 to %d minutes", everyMax)
	}
	e.every = time.Duration(n) * time.Minute
	return nil
}

func (e *Expression) setField(i int, set uint64) {
	if i == 0 {
		for !has(set, e.second) {
			e.second++
		}
		return
	}
	if i == weekdayField && has(set, 7) {
		set = set&^(1<<7) | 1
	}
	*[...]*uint64{1: &e.minutes, 2: &e.hours, 3: &e.days, 4: &e.months, 5: &e.weekdays}[i] = set
}

// parse returns the set of the values of a field.
func (f *field) parse(text string) (set uint64, err error) {
	for _, special := range ",-*?/" {
		if !strings.ContainsRune(text, special) || strings.ContainsRune(f.special, special) {
			continue
		}
		if f.special == "" {
			return 0, fmt.Errorf("it takes one number from 0 to %d, without %q", f.max, special)
		}
		return 0, fmt.Errorf("this field does not take %q", special)
	}
	if text == "?" {
		text = "*"
	}
	for item := range strings.SplitSeq(text, ",") {
		values, err := f.parseItem(item)
		if err != nil {
			return 0, err
		}
		set |= values
	}
	return set, nil
}

// parseItem parses one item of a list: a value, a range, all values, each with a step or without.
func (f *field) parseItem(item string) (set uint64, err error) {
	values, stepText, stepped := strings.Cut(item, "/")
	from, to := f.min, f.max
	if values != "*" {
		first, last, isRange := strings.Cut(values, "-")
		if from, err = f.value(first); err != nil {
			return 0, err
		}
		switch {
		case isRange:
			if to, err = f.value(last); err != nil {
				return 0, err
			}
		case !stepped:
			to = from
		}
		if from > to {
			return 0, fmt.Errorf("the range %s ends before it begins", values)
		}
	}
	step := 1
	if stepped {
		if step, err = number(stepText); err != nil || step < 1 || step > f.max-f.min+1 {
			return 0, fmt.Errorf("the step %q must be a number from 1 to %d", stepText,
				f.max-f.min+1)
		}
	}
	for n := from; n <= to; n += step {
		set |= 1 << n
	}
	return set, nil
}

// value parses a number or a name.
func (f *field) value(text string) (int, error) {
	if len(text) == 3 && f.names != "" {
		if at := strings.Index(f.names, strings.ToUpper(text)); at >= 0 && at%3 == 0 {
			return at/3 + 1, nil
		}
	}
	n, err := number(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is not %s", text, f.allowed())
	}
	return n, nil
}

func (f *field) allowed() string {
	if f.names == "" {
		return fmt.Sprintf("a number from %d to %d", f.min, f.max)
	}
	return fmt.Sprintf("a number from 1 to %d or one of %s to %s", f.max, f.names[:3],
		f.names[len(f.names)-3:])
}

// number parses at most three digits.
func number(text string) (int, error) {
	if len(text) > 3 || strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}
