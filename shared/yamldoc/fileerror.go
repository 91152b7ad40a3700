package yamldoc

import "fmt"

// FileError is a mistake in a file that an operator wrote, with its place as editors and compilers
// write it: FILE:LINE:COLUMN: MESSAGE. Line is 0 for a mistake in the whole
// file, Column for one in a whole line.
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
