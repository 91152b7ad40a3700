package yamldoc

import (
	"bytes"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s).*)$`)

// yamlSyntaxError converts an error of the YAML parser to a Problem with its place in the text.
func yamlSyntaxError(err error, decoder *yaml.Decoder, text []byte) *Problem {
	if err == io.EOF {
		return noDocument()
	}
	fail := &Problem{Line: 1, Column: 1, Message: err.Error()}
	if m := yamlError.FindStringSubmatch(fail.Message); m != nil {
		fail.Message = m[2]
		if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
			fail.Line = line
		}
	}
	tab := strings.Contains(fail.Message, foundTab)
	if line, column, kind := errorPosition(decoder, text, tab); line > 0 {
		lastLine, lastColumn := position(text, len(bytes.TrimRight(text, " \t\r\n")))
		// Something is missing at the end.
		if line > lastLine || line == lastLine && column >= lastColumn {
			line, column = lastLine, lastColumn
		} else {
			source := lineOf(text, line)
			if fail.Hint = escapeHint(fail.Message); fail.Hint == "" {
				fail.Hint = quotingHint(source, column, kind)
			}
			if fail.Hint == "" {
				fail.Hint = indentationHint(source, fail.Message)
			}
		}
		fail.Line, fail.Column = line, column
	}
	fail.quote = fail.Message // of the parser, which may repeat the text
	fail.Message = "the text is no valid YAML: " + fail.Message
	return fail
}

// foundTab is in the parser's message about a tab in the indentation of a line that goes on with a
// text.
const foundTab = "found a tab character"

// The kinds of errors of the YAML parser (yamlh.go).
const (
	noError      = 0 // the parser can read the text, but something in it has no meaning
	readerError  = 2
	scannerError = 3
	parserError  = 4
)

// errorPosition returns where the parser failed, and the kind of the error; line 0 if that is
// unknown. The parser's message has no column, and its line is the line of the surrounding list or
// mapping, counted from 0 unless the scanner failed. The exact place is in unexported fields, which
// errorPosition reads by reflection; if they are missing, the message must do. If tab is set, the
// place is that of the tab, which the parser finds after the text before it.
func errorPosition(decoder *yaml.Decoder, text []byte, tab bool) (line, column, kind int) {
	parser := reflect.ValueOf(decoder).Elem().FieldByName("parser")
	if parser.Kind() != reflect.Pointer || parser.IsNil() {
		return 0, 0, 0
	}
	reader := parser.Elem().FieldByName("parser")
	switch kind = number(reader, "error"); kind {
	case noError:
		line, column = markPosition(parser.Elem().FieldByName("event"), "start_mark")
	case readerError:
		line, column = position(text, number(reader, "problem_offset"))
	case scannerError:
		mark := "context_mark" // the start of what cannot be parsed
		if tab {
			mark = "problem_mark"
		}
		line, column = markPosition(reader, mark)
	case parserError:
		line, column = markPosition(reader, "problem_mark")
	}
	return line, column, kind
}

// markPosition reads a mark of the YAML parser, whose lines and columns count from 0.
func markPosition(of reflect.Value, name string) (line, column int) {
	if of.Kind() != reflect.Struct {
		return 0, 0
	}
	mark := of.FieldByName(name)
	return number(mark, "line") + 1, number(mark, "column") + 1
}

// number reads an integer field, or returns -1 if there is none.
func number(of reflect.Value, name string) int {
	if of.Kind() != reflect.Struct {
		return -1
	}
	if f := of.FieldByName(name); f.IsValid() && f.CanInt() {
		return int(f.Int())
	}
	return -1
}

// position returns the place of a byte offset; 0 if it is outside the text.
func position(text []byte, offset int) (line, column int) {
	if offset < 0 || offset > len(text) {
		return 0, 0
	}
	before := text[:offset]
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[bytes.LastIndexByte(before,
		'\n')+1:]) + 1
}

// lineOf returns a line of a text without its end.
func lineOf(text []byte, line int) string {
	for ; line > 1; line-- {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			return ""
		}
		text = text[i+1:]
	}
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return strings.TrimRight(string(text), " \t\r")
}

// escapeHint returns the hint for an escape in a double-quoted string that JSON has but the YAML
// parser does not support; "" for any other error.
func escapeHint(reason string) string {
	switch {
	case strings.Contains(reason, "found unknown escape character"):
		return `write \\ for a backslash, and / without one`
	case strings.Contains(reason, "found invalid Unicode character escape code"):
		return "write the character itself, or \\U and its eight hexadecimal digits instead of " +
			"a surrogate pair"
	}
	return ""
}

// indentationHint returns the hint for a line that begins in the wrong column; "" for any other
// error.
func indentationHint(line, reason string) string {
	switch {
	case strings.Contains(line[:len(line)-len(strings.TrimLeft(line, " \t"))], "\t"),
		strings.Contains(reason, foundTab):
		return "indent with blanks, not with tabs"
	case strings.Contains(reason, "did not find expected '-' indicator"),
		strings.Contains(reason, "did not find expected key"),
		strings.Contains(reason, "mapping values are not allowed"):
		return "check the indentation: the keys of one mapping, and the items of one list, " +
			"begin in the same column"
	}
	return ""
}

// keyed finds keys that are followed by a value.
var keyed = regexp.MustCompile(`(?:^|[\s{,])([\w.$-]+):[ \t]+`)

// quotingHint returns the hint for a value that YAML reads as punctuation, as it does with many
// expressions. It looks at the last value that begins at or before the column, and returns "" if
// the error does not look like that.
func quotingHint(line string, column int, kind int) string {
	at := 0
	for range column - 1 { // to bytes
		_, size := utf8.DecodeRuneInString(line[at:])
		at += size
	}
	key, value, first := "", "", false
	for _, m := range keyed.FindAllStringSubmatchIndex(line, -1) {
		if m[1] <= at && m[1] < len(line) {
			key, value, first = line[m[2]:m[3]], line[m[1]:], strings.Trim(line[:m[2]], " -") == ""
		}
	}
	if key == "" || !needsQuotes(value, kind) {
		return ""
	}
	value, _, _ = strings.Cut(value, " #")
	if !first || strings.HasSuffix(value, ",") || strings.HasSuffix(value, "}") || len(value) > 80 {
		value = "…" // inside { }, the end of the value is unknown
	}
	return "put the whole value in quotes: " + key + ": " + quoted(value)
}

// needsQuotes reports whether the parser may have read the value as something other than text
// (docs/definitions.md#what-yaml-11-reads-otherwise).
func needsQuotes(value string, kind int) bool {
	switch value[0] {
	case '"', '\'':
		// The error is text after the closing quote. A missing closing quote is a scanner error.
		return kind == parserError
	case '!', '`', '%', '@', '&', '*':
		// Without an error of the parser, an alias whose anchor is missing is probably meant as an
		// alias.
		return kind != noError
	}
	return strings.Contains(value, "$") || kind == scannerError && strings.Contains(value, ": ")
}

// quoted returns a text in single quotes, in which only the quote itself has a special meaning.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
