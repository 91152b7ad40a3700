package yamldoc

import (
	"bytes"
	"unicode/utf8"
)

// DepthMax is the maximum depth of nested lists and mappings in a definition.
const DepthMax = 128

// NodesMax is the maximum number of values in a definition, counted after aliases are expanded.
const NodesMax = 200_000

// byteOrderMark is the byte order mark that some editors write.
var byteOrderMark = []byte("\ufeff")

// Parse parses a text. It reports one error and returns nil if the text has more than bytesMax
// bytes, is not UTF-8, is neither YAML nor JSON, contains more than one document, or uses what
// definitions must not use: duplicate keys, keys that are not strings, merge keys (`<<`), tags
// outside the core schema, directives except %YAML 1.2, cyclic aliases, aliases or nesting beyond
// the bounds, halves of surrogate pairs, and characters that editors display differently than the
// parser reads them (docs/definitions.md). It warns of scalars that YAML 1.1 tools read
// differently.
func Parse(text []byte, bytesMax int, report *Report) *Node {
	if len(text) > bytesMax {
		report.Text(1, 1, "", "the text has %d bytes; at most %d are allowed", len(text), bytesMax)
		return nil
	}
	if !utf8.Valid(text) {
		line, column := invalidUTF8(text)
		report.Text(line, column, "save the file as UTF-8", "the text is no valid UTF-8")
		return nil
	}
	var root *Node
	var fail *Problem
	json := false
	if start := bytes.TrimLeft(bytes.TrimPrefix(text, byteOrderMark), " \t\r\n"); len(start) > 0 &&
		start[0] == '{' {
		root, fail, json = parseJSON(text)
	}
	if json && fail == nil {
		fail = checkCharacters(text, report)
	} else if !json {
		root, fail = parseYAML(text, 4*bytesMax, report)
	}
	if fail != nil {
		report.Text(fail.Line, fail.Column, fail.Hint, "%s", fail.Message)
		report.empty, report.quote = fail.empty, fail.quote
		return nil
	}
	return root
}

// checkCharacters looks for invisible characters and for halves of surrogate pairs, which no string
// can contain.
func checkCharacters(text []byte, report *Report) *Problem {
	warnings, problem := inspect(text)
	if problem != nil {
		return problem
	}
	report.warnText(warnings)
	if at := loneSurrogate(text); at >= 0 {
		line, column := position(text, at)
		return &Problem{Line: line, Column: column, Message: "half of a surrogate pair",
			Hint: "write both halves, or the character itself"}
	}
	return nil
}

// invalidUTF8 returns the place of the first byte that is not UTF-8.
func invalidUTF8(text []byte) (line, column int) {
	line, column = 1, 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			break
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
		text = text[size:]
	}
	return line, column
}
