//go:build !linux

package main

// inMemory tells whether a folder is on a file system without a disk, where that is known.
func inMemory(string) bool { return false }
