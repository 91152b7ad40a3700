// Package yamltext reads YAML 1.2 with gopkg.in/yaml.v3, which is a reader of YAML 1.1, and refuses
// what an editor shows otherwise than it is read.
//
// To YAML 1.1, U+2028, U+2029 and U+0085 end a line; to YAML 1.2 and to most editors they are
// characters like others, so that the text behind one in a comment would be read although it looks
// like a comment. They are replaced by characters that the text does not use before the reader sees
// it, and put back into its tree.
package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// Problem is what is wrong with a text, or looks wrong, at a place in it.
type Problem struct {
	Line, Column  int // from 1; columns in characters
	Message, Hint string
}

// Error writes the place and the message.
func (p *Problem) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Message)
}

// Text is a text that the reader may see.
type Text struct {
	Bytes    []byte // as many lines as the text, each with as many characters
	Warnings []Problem
	restorer *strings.Replacer // nil: nothing was replaced
}

// Prepare makes a text ready for the reader. The text must be UTF-8.
func Prepare(text []byte) (*Text, *Problem) {
	warnings, problem := Inspect(text)
	if problem == nil {
		problem = lineEnds(text)
	}
	if problem != nil {
		return nil, problem
	}
	t := &Text{Bytes: text, Warnings: warnings}
	if problem := t.replaceBreaks(); problem != nil {
		return nil, problem
	}
	if problem := t.directives(); problem != nil {
		return nil, problem
	}
	return t, nil
}

// lineEnds refuses a carriage return alone. To YAML it ends a line, to most programs it does not.
func lineEnds(text []byte) *Problem {
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], '\r')
		if i < 0 {
			return nil
		}
		from += i + 1
		if from == len(text) || text[from] != '\n' {
			return problemAt(text, from-1, "save the file with LF or CRLF at the end of each line",
				"a carriage return that no line feed follows")
		}
	}
}

// breaks are the characters that end a line to YAML 1.1 alone.
var breaks = []string{"\u0085", "\u2028", "\u2029"}

// candidates is how many characters of the private use area are tried for each of breaks.
const candidates = 64

// replaceBreaks replaces breaks by characters that the text has neither as they are nor as an
// escape.
func (t *Text) replaceBreaks() *Problem {
	var there, back []string
	next := rune(0xF0000)
	var lower []byte
	for _, s := range breaks {
		i := bytes.Index(t.Bytes, []byte(s))
		if i < 0 {
			continue
		}
		if lower == nil {
			lower = bytes.ToLower(t.Bytes)
		}
		for ; inUse(lower, next); next++ {
			if next > 0xF0000+candidates {
				return problemAt(t.Bytes, i, "remove it", "U+%04X cannot stand beside so many characters of "+
					"the private use area", []rune(s)[0])
			}
		}
		there, back = append(there, s, string(next)), append(back, string(next), s)
		next++
	}
	if there != nil {
		t.Bytes = []byte(strings.NewReplacer(there...).Replace(string(t.Bytes)))
		t.restorer = strings.NewReplacer(back...)
	}
	return nil
}

func inUse(lower []byte, r rune) bool {
	return bytes.Contains(lower, []byte(string(r))) || bytes.Contains(lower, fmt.Appendf(nil, "%x", r))
}

// Restore puts back into a piece of the text what was replaced in it.
func (t *Text) Restore(s string) string {
	if t.restorer == nil {
		return s
	}
	return t.restorer.Replace(s)
}

// RestoreTree restores the texts of a tree.
func (t *Text) RestoreTree(n *yaml.Node) {
	if t.restorer == nil {
		return
	}
	n.Value, n.Tag, n.Anchor = t.Restore(n.Value), t.Restore(n.Tag), t.Restore(n.Anchor)
	for _, child := range n.Content {
		t.RestoreTree(child)
	}
}

// directives accepts the directive %YAML 1.2, which the reader knows by another version, and
// refuses all others.
func (t *Text) directives() *Problem {
	rest := bytes.TrimPrefix(t.Bytes, byteOrderMark)
	for at := len(t.Bytes) - len(rest); at < len(t.Bytes); {
		line := t.Bytes[at:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		switch text := bytes.TrimSpace(line); {
		case len(text) == 0 || text[0] == '#':
		case line[0] != '%':
			return nil
		case !isVersion(text):
			return t.directive(text, at)
		default:
			t.Bytes = bytes.Clone(t.Bytes)
			t.Bytes[at+bytes.Index(line, []byte("1.2"))+2] = '1'
		}
		at += len(line)
	}
	return nil
}

func isVersion(line []byte) bool {
	words := bytes.Fields(line)
	return string(words[0]) == "%YAML" && len(words) > 1 && string(words[1]) == "1.2" &&
		(len(words) == 2 || words[2][0] == '#')
}

// directive refuses a directive.
func (t *Text) directive(line []byte, at int) *Problem {
	name, rest, _ := strings.Cut(string(line), " ")
	if name == "%YAML" {
		return problemAt(t.Bytes, at, "write %YAML 1.2, or leave the line out",
			"the text says that it is YAML %s; it is read as YAML 1.2", short(strings.TrimSpace(rest)))
	}
	return problemAt(t.Bytes, at, "leave the line out", "the directive %s is not supported", short(name))
}

// ErrEmpty is the error of Decode for a text without a document.
var ErrEmpty = errors.New("the text is empty")

// Decode reads a text that is one document into the reader's tree. An error is a *Problem or the
// reader's own, whose text may quote the document.
func Decode(text []byte) (*yaml.Node, error) {
	t, problem := Prepare(text)
	if problem != nil {
		return nil, problem
	}
	d := yaml.NewDecoder(bytes.NewReader(t.Bytes))
	document := new(yaml.Node)
	switch err := d.Decode(document); {
	case err == io.EOF || err == nil && len(document.Content) == 0:
		return nil, ErrEmpty
	case err != nil:
		return nil, err
	}
	var second yaml.Node
	switch err := d.Decode(&second); {
	case err == nil:
		return nil, &Problem{Line: second.Line, Column: second.Column,
			Message: "the text must be one YAML document; a second one begins here"}
	case err != io.EOF:
		return nil, err
	}
	t.RestoreTree(document)
	if problem := strict(document.Content[0]); problem != nil {
		return nil, problem
	}
	return document.Content[0], nil
}

// strict refuses what a reader of YAML 1.2 does not read as yaml.v3 does, or not at all: merge
// keys, and tags outside the core schema.
func strict(n *yaml.Node) *Problem {
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.ShortTag() {
		case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map":
		default:
			return &Problem{Line: n.Line, Column: n.Column, Message: "a tag that YAML 1.2 does not know",
				Hint: "leave it out"}
		}
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Tag == "!!merge" {
			return &Problem{Line: child.Line, Column: child.Column,
				Message: "merge keys (<<) are not part of YAML 1.2", Hint: "write the members out"}
		}
		if problem := strict(child); problem != nil {
			return problem
		}
	}
	return nil
}

// short cuts a text that goes into a message.
func short(s string) string {
	const most = 32
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
