package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"millrace/shared/value"
)

// inputMax is the largest file or standard input that is read, in bytes.
const inputMax = 16 << 20

// read returns the content of a file; `-` is the standard input.
func (c *invocation) read(name string) ([]byte, error) {
	if name == "-" {
		return bounded(c.Stdin, "the standard input")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usageError{readable(err)}
	}
	defer f.Close()
	return bounded(f, name)
}

func bounded(r io.Reader, name string) ([]byte, error) {
	if r == nil {
		return nil, usagef("there is no standard input")
	}
	b, err := io.ReadAll(io.LimitReader(r, inputMax+1))
	switch {
	case err != nil:
		return nil, usageError{readable(err)}
	case len(b) > inputMax:
		return nil, usagef("%s is larger than %d MiB", name, inputMax>>20)
	}
	return b, nil
}

// readable rewords the error of a file for people.
func readable(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("cannot read %s: %w", p.Path, p.Err)
	}
	return err
}

// text returns the value of a flag that is a text, @FILE, or - for the standard input.
func (c *invocation) text(value string) (string, error) {
	name, file := strings.CutPrefix(value, "@")
	if value == "-" {
		name, file = "-", true
	}
	if !file {
		return strings.TrimPrefix(value, byteOrderMark), nil
	}
	b, err := c.read(name)
	return strings.TrimSpace(strings.TrimPrefix(string(b), byteOrderMark)), err
}

// byteOrderMark precedes the text in the files of some editors and shells. It is not part of the
// text.
const byteOrderMark = "\uFEFF"

// object is like text, but the value must be a JSON object; "" stays "".
func (c *invocation) object(flag, given string) (string, error) {
	text, err := c.text(given)
	if err != nil || given == "" {
		return "", err
	}
	tree, err := value.Decode([]byte(text))
	wrong := ", not " + kind(tree)
	switch {
	case err != nil && text == given:
		wrong = fmt.Sprintf("; %s; in a shell, quote it like '{\"id\": 7}', or give a file: "+
			"--%s @FILE", where(text, err), flag)
	case err != nil:
		wrong = "; " + where(text, err)
	case kind(tree) == "an object":
		return text, nil
	}
	return "", usagef("--%s must be a JSON object like {\"id\": 7}%s", flag, wrong)
}

// kind names the kind of a JSON value.
func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case nil:
		return "null"
	}
	return "a number"
}

// where says what is wrong with JSON text, and where.
func where(text string, err error) string {
	var s *value.SyntaxError
	if !errors.As(err, &s) {
		return err.Error()
	}
	before := text[:s.At]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	found := "there is " + s.Found
	if s.Found == "" {
		found = "the text ends"
	}
	return fmt.Sprintf("line %d, column %d: %s, but %s must be there", line, column, found, s.Want)
}
