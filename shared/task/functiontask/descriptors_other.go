//go:build !unix

package functiontask

// markCloseOnExec does nothing: on these systems a process gets only the files that are passed to
// it.
func markCloseOnExec() {}
