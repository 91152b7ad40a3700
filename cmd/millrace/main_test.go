package main

import (
	"os"
	"testing"
)

// TestNullIsNoTerminal: a script whose input is the null device is not asked; `flow delete` says
// that it wants --yes.
func TestNullIsNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) {
		t.Error("the null device is taken for a terminal")
	}
}
