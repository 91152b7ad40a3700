//go:build !unix

package fctask

// keepDescriptors does nothing: here a process gets only what is handed to it.
func keepDescriptors() {}
