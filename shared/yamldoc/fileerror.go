package yamldoc

import (
	"errors"
	"fmt"
	"regexp"
)

// FileError is a mistake in a file that an operator wrote, with its place as editors and compilers
// write it: FILE:LINE:COLUMN: MESSAGE. Line and Column are 0 if they are unknown.
type FileError struct {
	Path         string
	Line, Column int
	Message      string
}

// Error implements error.
func (e *FileError) Error() string {
	switch {
	case e.Line == 0:
		return e.Path + ": " + e.Message
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Message)
}

// syntaxAt matches an error of yaml.v3 that names a line.
var syntaxAt = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// InFile returns err as a mistake in a file. It knows the places of a Problem and of an error of
// Decode.
func InFile(path string, err error) *FileError {
	e := &FileError{Path: path, Message: err.Error()}
	var p *Problem
	if errors.As(err, &p) {
		e.Line, e.Column, e.Message = p.Line, p.Column, p.Message
	} else if m := syntaxAt.FindStringSubmatch(e.Message); m != nil {
		fmt.Sscan(m[1], &e.Line)
		e.Message = m[2]
	}
	return e
}
