// Package lamp is the package that the tests of mutate change.
package lamp

import "errors"

// Lamp burns for some hours.
type Lamp struct {
	left, used int
	on         bool
}

var errDark = errors.New("no hours left")

// New returns a lamp.
func New(hours int) *Lamp { return &Lamp{left: hours} }

// Burn uses an hour.
func (l *Lamp) Burn() error {
	if l.left <= 0 {
		return errDark
	}
	l.on = true
	l.left--
	l.used++
	return nil
}

// Used returns how many hours the lamp has burnt. The unit tests do not call it.
func (l *Lamp) Used() int { return l.used }

// Wait counts up to n.
func Wait(n int) (i int) {
	for i < n {
		i++
	}
	return i
}

// Unused is never called.
func Unused(a, b int) int { return max(a, b) }

// flat is as flat as the type allows.
func flat(l *Lamp) bool {
	if l.left == 0 && !l.on {
		return true
	}
	return false
}
