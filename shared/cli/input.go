package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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
func (c *invocation) object(flag, value string) (string, error) {
	text, err := c.text(value)
	if err != nil || value == "" {
		return "", err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil || members == nil {
		return "", usagef("--%s must be a JSON object like {\"id\": 7}%s", flag, where(text, err))
	}
	return text, nil
}

// where returns the position of a syntax error in JSON text.
func where(text string, err error) string {
	var s *json.SyntaxError
	if !errors.As(err, &s) {
		return ""
	}
	before := text[:max(0, min(int(s.Offset)-1, len(text)))]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	return fmt.Sprintf("; line %d, column %d: %v", line, column, s)
}
