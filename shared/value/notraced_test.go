//go:build !race

package value_test

const raced = false
