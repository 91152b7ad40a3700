package reference

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"unicode/utf8"
)

type function func(s *scope, args []any) any

// functions implements docs/expressions.md#functions.
var functions map[string]function

func init() {
	functions = map[string]function{
		"format":    carries(format),
		"get":       fixed(2, func(a []any) any { return element(a[0], a[1]) }),
		"intAdd":    fixed(2, intAdd),
		"length":    fixed(1, func(a []any) any { return length(a[0]) }),
		"randomInt": randomInt,
		"regexMatchString": fixed(2,
			func(a []any) any { return pattern(str(a[1])).MatchString(str(a[0])) }),
		"split":         fixed(2, split),
		"arrayContains": fixed(2, func(a []any) any { return contains(a[1], array(a[0])) }),
		"arrayUnique":   fixed(1, unique),
		"toArray":       carries(func(a []any) any { return a }),
		"mapKeys":       fixed(1, mapKeys),
		"mapValues":     fixed(1, mapValues),
		"jsonMerge":     carries(merge),
		"jsonToString":  carries(jsonText),
		"toJSON":        carries(jsonText),
		"stringToJson":  fixed(1, fromText),
		"fromJSON":      fixed(1, fromText),
		"toBase64": fixed(1,
			func(a []any) any { return base64.StdEncoding.EncodeToString([]byte(str(a[0]))) }),
		"fromBase64": fixed(1, fromBase64),
		"hash":       fixed(2, hash),
		"uuid":       func(s *scope, a []any) any { return s.drawn.uuid() },
	}
}

// fixed returns a function with n arguments. If an argument is not known yet, the result is
// undetermined.
func fixed(n int, f func([]any) any) function {
	return func(_ *scope, a []any) any {
		if len(a) != n {
			panic(&Unjudged{"a call with a wrong number of arguments"})
		}
		for _, v := range a {
			if open(v) {
				return undetermined{}
			}
		}
		return f(a)
	}
}

// carries returns a function that passes drawn texts through unchanged.
func carries(f func([]any) any) function { return func(_ *scope, a []any) any { return f(a) } }

func str(v any) string {
	s, ok := v.(string)
	if !ok {
		fail("%.100s is no string", text(v))
	}
	return s
}

func array(v any) []any {
	list, ok := v.([]any)
	if !ok {
		fail("%.100s is no array", text(v))
	}
	return list
}

func mapping(v any) object {
	m, ok := v.(object)
	if !ok {
		fail("%.100s is no map", text(v))
	}
	return m
}

func format(a []any) any {
	if len(a) == 0 {
		panic(&Unjudged{"format without a template"})
	}
	var b strings.Builder
	template, used := str(a[0]), 1
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template) && strings.IndexByte(`{}\`, template[i+1]) >= 0:
			i++
			b.WriteByte(template[i])
		case strings.HasPrefix(template[i:], "{}"):
			if used >= len(a) {
				fail("format has too few arguments")
			}
			if n := a[used]; undrawn(n) {
				return undetermined{}
			} else if s, ok := n.(string); ok {
				b.WriteString(s)
			} else {
				b.WriteString(text(n))
			}
			used++
			i++
		default:
			b.WriteByte(c)
		}
	}
	if used != len(a) {
		fail("format has too many arguments")
	}
	return b.String()
}

// undrawn reports whether a value contains a part for which no text can be computed yet.
func undrawn(v any) bool {
	switch v := v.(type) {
	case drawnInt, undetermined:
		return true
	case []any:
		for _, e := range v {
			if undrawn(e) {
				return true
			}
		}
	case object:
		for _, e := range v {
			if undrawn(e) {
				return true
			}
		}
	}
	return false
}

func jsonText(a []any) any {
	if len(a) != 1 {
		panic(&Unjudged{"a call with a wrong number of arguments"})
	}
	if undrawn(a[0]) {
		return undetermined{}
	}
	return text(a[0])
}

func integer(v any) int64 {
	n, ok := whole(v)
	if !ok {
		fail("%s is no integer", text(v))
	}
	return n
}

func intAdd(a []any) any {
	sum := new(big.Int).Add(big.NewInt(integer(a[0])), big.NewInt(integer(a[1])))
	if !sum.IsInt64() {
		fail("intAdd overflows")
	}
	return number(sum.Int64())
}

func length(v any) any {
	switch v := v.(type) {
	case []any:
		return number(int64(len(v)))
	case object:
		return number(int64(len(v)))
	case string:
		return number(int64(utf8.RuneCountInString(v)))
	}
	return fail("%s has no length", text(v))
}

func randomInt(_ *scope, a []any) any {
	if len(a) != 2 {
		panic(&Unjudged{"a call with a wrong number of arguments"})
	}
	d := drawnInt{integer(a[0]), integer(a[1])}
	if d.min >= d.max {
		fail("randomInt has no range")
	}
	return d
}

func pattern(p string) *regexp.Regexp {
	r, err := regexp.Compile(p)
	if err != nil {
		fail("%v", err)
	}
	return r
}

func split(a []any) any {
	if str(a[1]) == "" {
		fail("the delimiter is empty")
	}
	list := []any{}
	for _, s := range strings.Split(str(a[0]), str(a[1])) {
		list = append(list, s)
	}
	return list
}

func unique(a []any) any {
	list := []any{}
	for _, v := range array(a[0]) {
		if !contains(v, list) {
			list = append(list, v)
		}
	}
	return list
}

func mapKeys(a []any) any {
	list := []any{}
	for _, k := range keys(mapping(a[0])) {
		list = append(list, k)
	}
	return list
}

func mapValues(a []any) any {
	list, m := []any{}, mapping(a[0])
	for _, k := range keys(m) {
		list = append(list, m[k])
	}
	return list
}

func merge(a []any) any {
	if len(a) != 2 {
		panic(&Unjudged{"a call with a wrong number of arguments"})
	}
	return overlay(mapping(a[0]), mapping(a[1]))
}

func fromText(a []any) any {
	v, err := readJSON(str(a[0]))
	if err != nil {
		fail("%v", err)
	}
	return v
}

func fromBase64(a []any) any {
	b, err := base64.StdEncoding.Strict().DecodeString(str(a[0]))
	if err != nil || !utf8.Valid(b) {
		fail("bad base64")
	}
	return string(b)
}

func hash(a []any) any {
	data := []byte(str(a[0]))
	switch str(a[1]) {
	case "MD5":
		sum := md5.Sum(data)
		return hex.EncodeToString(sum[:])
	case "SHA-1":
		sum := sha1.Sum(data)
		return hex.EncodeToString(sum[:])
	case "SHA-256":
		return fmt.Sprintf("%x", sha256.Sum256(data))
	case "SHA-512":
		return fmt.Sprintf("%x", sha512.Sum512(data))
	}
	return fail("there is no algorithm %s", str(a[1]))
}
