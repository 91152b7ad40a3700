//go:build !unix

package fctask

// keepDescriptors does nothing: on this system a process gets only the files that are handed to it.
func keepDescriptors() {}
