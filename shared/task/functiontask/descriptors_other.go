//go:build !unix

package functiontask

// markCloseOnExec does nothing: on this system a process gets only the files that are handed to it.
func markCloseOnExec() {}
