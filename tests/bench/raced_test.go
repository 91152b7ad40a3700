//go:build race

package main

// raced reports that the race detector is on. It slows the program down so much that nothing
// completes within the short windows of a test.
const raced = true
