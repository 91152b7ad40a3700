//go:build race

package main

// raced says that the race detector slows everything down: in windows as short as a test's nothing ends.
const raced = true
