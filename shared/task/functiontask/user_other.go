//go:build !unix

package functiontask

import (
	"fmt"
	"os/exec"
)

// identity is the user that the processes of a command run as. On these systems it is always the
// server's own user.
type identity struct{ uid uint32 }

func identityOf(text string) (*identity, error) {
	if text != "" {
		return nil, fmt.Errorf(
			"user %q: programs cannot be started as another user on this system; leave `user` out",
			text,
		)
	}
	return &identity{}, nil
}

func (*identity) apply(*exec.Cmd) {}

func (*identity) variables() []string { return nil }
