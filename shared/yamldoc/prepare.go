package yamldoc

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// Problem is an error or a warning about a place in a text.
type Problem struct {
	Line, Column  int // from 1; columns in characters
	Message, Hint string

	empty bool   // the text has no document
	quote string // the part of the text that Message and Hint repeat; "" if there is none
}

// noDocument returns the error of a text without a document.
func noDocument() *Problem {
	return &Problem{Line: 1, Column: 1, Message: "the text holds no definition", empty: true}
}

// quoteIn returns the first string of the arguments of a message.
func quoteIn(args []any) string {
	for _, a := range args {
		if s, ok := a.(string); ok {
			return s
		}
	}
	return ""
}

// prepared is a text that is ready for yaml.v3, which is a parser of YAML 1.1.
//
// In YAML 1.1, U+2028, U+2029 and U+0085 end a line. In YAML 1.2 and in most editors they are
// ordinary characters, so the parser would read text after one of them although it looks like part
// of a comment. prepare replaces them by characters that do not occur in the text, and restore puts
// them back into the tree.
type prepared struct {
	bytes    []byte // has as many lines as the original text, and as many characters in each line
	warnings []Problem
	restorer *strings.Replacer // nil if nothing was replaced
}

// prepare makes a text ready for the parser. The text must be UTF-8.
func prepare(text []byte) (*prepared, *Problem) {
	warnings, problem := inspect(text)
	if problem == nil {
		problem = lineEnds(text)
	}
	if problem != nil {
		return nil, problem
	}
	t := &prepared{bytes: text, warnings: warnings}
	if problem := t.replaceBreaks(); problem != nil {
		return nil, problem
	}
	if problem := t.directives(); problem != nil {
		return nil, problem
	}
	return t, nil
}

// lineEnds rejects a carriage return without a line feed. It ends a line in YAML, but not in most
// programs.
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

// breaks are the characters that end a line only in YAML 1.1.
var breaks = []string{"\u0085", "\u2028", "\u2029"}

// candidates is the number of characters of the private use area to try for each of breaks.
const candidates = 64

// replaceBreaks replaces breaks by characters that do not occur in the text, not even as an escape.
func (t *prepared) replaceBreaks() *Problem {
	var there, back []string
	next := rune(0xF0000)
	var lower []byte
	for _, s := range breaks {
		i := bytes.Index(t.bytes, []byte(s))
		if i < 0 {
			continue
		}
		if lower == nil {
			lower = bytes.ToLower(t.bytes)
		}
		for ; inUse(lower, next); next++ {
			if next > 0xF0000+candidates {
				return problemAt(t.bytes, i, "remove it",
					"U+%04X cannot stand beside so many characters of "+
						"the private use area", []rune(s)[0])
			}
		}
		there, back = append(there, s, string(next)), append(back, string(next), s)
		next++
	}
	if there != nil {
		t.bytes = []byte(strings.NewReplacer(there...).Replace(string(t.bytes)))
		t.restorer = strings.NewReplacer(back...)
	}
	return nil
}

func inUse(lower []byte, r rune) bool {
	return bytes.Contains(lower, []byte(string(r))) || bytes.Contains(lower,
		fmt.Appendf(nil, "%x", r))
}

// restore puts the replaced characters back into a part of the text.
func (t *prepared) restore(s string) string {
	if t.restorer == nil {
		return s
	}
	return t.restorer.Replace(s)
}

// restoreTree restores the texts of a tree.
func (t *prepared) restoreTree(n *yaml.Node) {
	if t.restorer == nil {
		return
	}
	n.Value, n.Tag, n.Anchor = t.restore(n.Value), t.restore(n.Tag), t.restore(n.Anchor)
	for _, child := range n.Content {
		t.restoreTree(child)
	}
}

// directives accepts the directive %YAML 1.2, which the parser knows only with version 1.1, and
// rejects all others.
func (t *prepared) directives() *Problem {
	rest := bytes.TrimPrefix(t.bytes, byteOrderMark)
	for at := len(t.bytes) - len(rest); at < len(t.bytes); {
		line := t.bytes[at:]
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
			t.bytes = bytes.Clone(t.bytes)
			t.bytes[at+bytes.Index(line, []byte("1.2"))+2] = '1'
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

// directive rejects a directive.
func (t *prepared) directive(line []byte, at int) *Problem {
	name, rest, _ := strings.Cut(string(line), " ")
	if name == "%YAML" {
		return problemAt(t.bytes, at, "write %YAML 1.2, or leave the line out",
			"the text says that it is YAML %s; it is read as YAML 1.2",
			shortWord(strings.TrimSpace(rest)))
	}
	return problemAt(t.bytes, at, "leave the line out", "the directive %s is not supported",
		shortWord(name))
}

// shortWord shortens a word of a directive for a message.
func shortWord(s string) string {
	const lengthMax = 32
	if len(s) <= lengthMax {
		return s
	}
	return strings.ToValidUTF8(s[:lengthMax], "") + "…"
}
