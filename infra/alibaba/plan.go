package main

import (
	"context"
	"fmt"
	"io"
)

// state is what a look at something finds.
type state int

const (
	upToDate state = iota // as it should be
	missing               // not there
	outdated              // there, and not as it should be
)

// checkResult is a state, with what is different in words.
type checkResult struct {
	state state
	what  string
}

// step is one thing that must be there.
type step struct {
	part, name string
	// check changes nothing.
	check func(ctx context.Context) (checkResult, error)
	// apply creates what is missing and changes what is different. What has come to be meanwhile is no error.
	apply func(ctx context.Context, f checkResult) error
}

// plan is what must be there, in an order in which each thing finds what it needs.
type plan []step

// run looks at everything, and puts right what is not unless it is a dry run. It ends at the first error, for what comes
// later may need what is not there. In a dry run a thing that cannot be looked at is told, and the next one is looked at.
func (p plan) run(ctx context.Context, dry bool, out io.Writer) error {
	open := 0
	for _, s := range p {
		f, err := s.check(ctx)
		switch {
		case err != nil && dry:
			fmt.Fprintf(out, "? %s: %v\n", s.name, err)
			open++
			continue
		case err != nil:
			return fmt.Errorf("%s: %w", s.name, err)
		case f.state == upToDate:
			fmt.Fprintf(out, "= %s\n", s.name)
			continue
		}
		open++
		if !dry {
			if err := s.apply(ctx, f); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		fmt.Fprintln(out, line(s.name, f, dry))
	}
	if dry {
		fmt.Fprintf(out, "%d of %d would be done or could not be looked at\n", open, len(p))
	}
	return nil
}

func line(name string, f checkResult, dry bool) string {
	sign, verb := "+", "created"
	if f.state == outdated {
		sign, verb = "~", "changed"
	}
	if dry {
		verb = "to be " + verb
	}
	if f.what != "" {
		verb += ": " + f.what
	}
	return fmt.Sprintf("%s %s (%s)", sign, name, verb)
}
