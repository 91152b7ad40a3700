package yamldoc

import "fmt"

// FileError is a mistake in a file that an operator wrote, with its place as editors and compilers
// write it: FILE:LINE:COLUMN: MESSAGE. Line and Column are 0 for a mistake in the whole file.
type FileError struct {
	Path         string
	Line, Column int
	Message      string
}

// Error implements error.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Path + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Message)
}
