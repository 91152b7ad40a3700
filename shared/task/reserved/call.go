package reserved

import (
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"millrace/shared/glob"
)

// productKinds are the kinds of resources that the parameters of a product name; a product is given
// by the beginning of its name. In calls of other products a name counts if the words before it say
// its kind (kindWords), or if hardly anything else has such a name (isDistinctive).
var productKinds = []struct {
	product string
	kinds   []kind
}{
	{"fc", []kind{function, role}},
	{"mns", []kind{queue, topic}},
	{"smq", []kind{queue, topic}},
	{"eventbridge", []kind{queue, topic, function, bus}},
	{"tablestore", []kind{instance}},
	{"ots", []kind{instance}},
	{"oss", []kind{bucket}},
	{"ram", []kind{role, policy}},
	{"sts", []kind{role}},
	{"apig", []kind{function}},
	{"devs", []kind{function, role}},
}

// kindWords are contained in the words that say the kind of a name: in parameters (QueueName,
// NotificationArn with queue/…), in resource names and in paths.
var kindWords = map[kind]string{queue: "queue", topic: "topic", function: "function", role: "role",
	policy: "policy", bus: "bus", bucket: "bucket"}

// CheckCall returns an error if a call of a product's OpenAPI names one of the engine's own
// resources, or one that the operator has reserved, in its path, its query ("name=value") or its
// body. It checks each text as it is sent and after decoding, because the escapes of JSON, XML and
// URLs may hide a name.
func (r *Resources) CheckCall(product string, texts ...string) error {
	if r == nil {
		return nil
	}
	var kinds []kind
	for _, f := range productKinds {
		if strings.HasPrefix(strings.ToLower(product), f.product) {
			kinds = append(kinds, f.kinds...)
		}
	}
	for _, text := range texts {
		if err := r.checkTree("", text, kinds, depthMax); err != nil {
			return err
		}
		for range depthMax {
			if err := r.checkText(text, kinds); err != nil {
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

// depthMax is the maximum depth of nested escapes. No service decodes deeper ones.
const depthMax = 8

// checkTree checks each string in a JSON value together with the names of the members that contain
// it, so that the name of a list counts for all its elements. A text that is no JSON object or list
// is checked by checkText only.
func (r *Resources) checkTree(before, s string, kinds []kind, depth int) error {
	if name, v, ok := strings.Cut(s, "="); ok && before == "" {
		before, s = name, v
	}
	var v any
	if s = strings.TrimSpace(s); s == "" || s[0] != '{' && s[0] != '[' || depth == 0 ||
		json.Unmarshal([]byte(s), &v) != nil {
		return nil
	}
	return r.checkMembers(before, v, kinds, depth)
}

func (r *Resources) checkMembers(before string, v any, kinds []kind, depth int) error {
	switch v := v.(type) {
	case map[string]any:
		outer := before[strings.LastIndexByte(before, '.')+1:]
		for name, one := range v {
			if err := r.checkMembers(outer+"."+name, one, kinds, depth); err != nil {
				return err
			}
		}
	case []any:
		for _, one := range v {
			if err := r.checkMembers(before, one, kinds, depth); err != nil {
				return err
			}
		}
	case string:
		if err := r.checkText(before+"="+v, kinds); err != nil {
			return err
		}
		return r.checkTree(before, v, kinds, depth-1)
	}
	return nil
}

// checkText checks the words of a text. Names of the given kinds count wherever they occur.
func (r *Resources) checkText(s string, kinds []kind) error {
	lower := strings.ToLower(s)
	var before [2]string // the two preceding words, without numbers
	for word := range strings.FieldsFuncSeq(lower, endsWord) {
		if err := r.checkWord(word, before, kinds); err != nil {
			return err
		}
		if strings.Trim(word, "0123456789") != "" {
			before = [2]string{before[1], word}
		}
	}
	for _, arn := range resourceName.FindAllString(lower, -1) {
		if err := r.checkPatterns(arn); err != nil {
			return err
		}
	}
	return r.checkPatterns(s)
}

// resourceName matches resource names in a text in lower case.
var resourceName = regexp.MustCompile(`acs:[a-z0-9-]*:[^\s"'<>\\{}\[\],;|]+`)

// checkWord returns an error if a word is a name of the engine's own, or a reserved one.
func (r *Resources) checkWord(word string, before [2]string, kinds []kind) error {
	for k, names := range r.names {
		if names[word] &&
			(slices.Contains(kinds, k) || hasKindWord(k, before) || isDistinctive(word)) {
			return ownError(word, string(k))
		}
	}
	for _, one := range r.reserved {
		known := hasKindWord(one.kind, before) ||
			!one.matchesAll && slices.Contains(kinds, one.kind)
		if known && glob.Match(one.glob, word) {
			return reservedError(string(one.kind) + " " + word)
		}
	}
	return nil
}

// hasKindWord reports whether the words before a name say that it is of kind k.
func hasKindWord(k kind, before [2]string) bool {
	if k == instance { // many kinds of things have an InstanceName
		return before[1] == "instance"
	}
	return strings.Contains(before[0], kindWords[k]) || strings.Contains(before[1], kindWords[k])
}

// isDistinctive reports whether hardly anything but the engine's own resources has this name.
func isDistinctive(name string) bool {
	return strings.HasSuffix(name, "-steprunner") || strings.HasSuffix(name, "-dead-letters")
}

// endsWord reports whether a name cannot contain the character.
func endsWord(c rune) bool {
	return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_'
}

var (
	escapedRune = regexp.MustCompile(`\\u[0-9A-Fa-f]{4}`)
	escapedByte = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// unescaped removes one layer of escapes from a text.
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
