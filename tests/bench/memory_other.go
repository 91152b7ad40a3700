//go:build !linux

package main

// inMemory reports whether a folder is on a file system without a disk. This system has no way to
// know.
func inMemory(string) bool { return false }
