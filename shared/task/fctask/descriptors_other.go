//go:build !unix

package fctask

// markCloseOnExec does nothing: on this system a process gets only the files that are handed to it.
func markCloseOnExec() {}
