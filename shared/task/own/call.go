package own

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The kinds of names that the parameters of a product hold, by a part of its name. In calls of
// other products a name counts where it stands as one (marks), or when hardly anything else is
// called so (peculiar).
var families = []struct {
	product string
	kinds   []kind
}{
	{"fc", []kind{function, role}},
	{"mns", []kind{queue}},
	{"smq", []kind{queue}},
	{"eventbridge", []kind{queue, function}},
	{"tablestore", []kind{instance}},
	{"ots", []kind{instance}},
	{"ram", []kind{role}},
	{"sts", []kind{role}},
}

// marks stand before a name in resource names and paths.
var marks = map[kind]string{queue: "queues", function: "functions", instance: "instance", role: "role"}

// Call refuses a call of an OpenAPI, of product, that names one of the engine's own resources in
// its path, its query or its body, each as it is sent or as it is meant: a name may be hidden by
// the escapes of JSON, XML and URLs.
func (r *Resources) Call(product string, texts ...string) error {
	if r == nil {
		return nil
	}
	var kinds []kind
	for _, f := range families {
		if strings.HasPrefix(strings.ToLower(product), f.product) {
			kinds = append(kinds, f.kinds...)
		}
	}
	for _, text := range texts {
		for range depthMax {
			if err := r.text(text, kinds); err != nil {
				return err
			}
			plain := unescaped(text)
			if plain == text {
				break
			}
			text = plain
		}
	}
	return nil
}

// depthMax bounds escapes within escapes. No service reads what is deeper.
const depthMax = 8

// text looks at the words of a text. kinds are those whose names count wherever they stand.
func (r *Resources) text(s string, kinds []kind) error {
	before := ""
	for word := range strings.FieldsFuncSeq(strings.ToLower(s), endsWord) {
		for k, names := range r.names {
			if names[word] && (slices.Contains(kinds, k) || before == marks[k] || peculiar(word)) {
				return denied(word, string(k))
			}
		}
		before = word
	}
	return r.named(s)
}

// peculiar reports whether a name of one of the engine's own is one that hardly anything else has.
func peculiar(name string) bool {
	return strings.HasSuffix(name, "-steprunner") || strings.HasSuffix(name, "-dead-letters")
}

// endsWord reports whether a character cannot be in a name.
func endsWord(c rune) bool {
	return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'
}

var (
	escapedRune = regexp.MustCompile(`\\u[0-9A-Fa-f]{4}`)
	escapedByte = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// unescaped takes one layer of escapes off a text.
func unescaped(s string) string {
	if strings.IndexByte(s, '\\') >= 0 {
		s = escapedRune.ReplaceAllStringFunc(s, func(e string) string {
			n, _ := strconv.ParseUint(e[2:], 16, 16)
			return string(rune(n))
		})
		s = strings.ReplaceAll(s, `\`, "")
	}
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	if strings.IndexByte(s, '%') >= 0 {
		s = escapedByte.ReplaceAllStringFunc(s, func(e string) string {
			n, _ := strconv.ParseUint(e[1:], 16, 8)
			return string([]byte{byte(n)})
		})
	}
	return s
}
