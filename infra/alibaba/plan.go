package main

import (
	"context"
	"fmt"
	"io"
)

// state is the result of checking a resource.
type state int

const (
	upToDate state = iota // as configured
	missing               // does not exist
	outdated              // exists, but differs
)

// checkResult is a state and a description of the difference.
type checkResult struct {
	state state
	what  string
}

// step is one resource of the plan.
type step struct {
	part, name string
	// check must not change anything.
	check func(ctx context.Context) (checkResult, error)
	// apply creates a missing resource or corrects a differing one. It returns no error if the
	// resource was created in the meantime.
	apply func(ctx context.Context, f checkResult) error
}

// plan lists the resources. Each comes after those that it needs.
type plan []step

// run checks all resources and, unless it is a dry run, corrects them. It stops at the first error,
// because later resources may need the failed one. A dry run prints the error of a check and
// continues.
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
