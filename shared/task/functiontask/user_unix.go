//go:build unix

package functiontask

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// identity is the user that the processes of a command run as.
type identity struct {
	uid  uint32
	as   *syscall.Credential // nil: the server's own user
	name string
	home string
}

// identityOf finds a user by name or id. `uid:gid` need not exist in the user database; "" is the
// server's own user.
func identityOf(text string) (*identity, error) {
	if text == "" {
		return &identity{uid: uint32(os.Geteuid())}, nil
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf(
			"user %q: only a server that runs as root can start programs as another user; start "+
				"it as root, or leave `user` out", text)
	}
	id, group, numbers := strings.Cut(text, ":")
	u, err := findUser(id)
	var noUser user.UnknownUserError
	var noID user.UnknownUserIdError
	switch {
	case errors.As(err, &noUser):
		return nil, fmt.Errorf(
			"user %q: this machine has no user of that name; write the name of one, or uid:gid",
			text,
		)
	case errors.As(err, &noID) && !numbers:
		return nil, fmt.Errorf("user %q: this machine has no user with that id; write uid:gid",
			text)
	case errors.As(err, &noID):
		u = &user.User{Uid: id, HomeDir: "/"}
	case err != nil:
		return nil, fmt.Errorf("user %q: %w", text, err)
	}
	if numbers {
		u.Gid = group
	}
	return credentialOf(text, u, numbers)
}

func findUser(id string) (*user.User, error) {
	if _, err := strconv.ParseUint(id, 10, 32); err == nil {
		return user.LookupId(id)
	}
	return user.Lookup(id)
}

// credentialOf converts a user to ids. If the group was given explicitly (alone), the user has no
// supplementary groups.
func credentialOf(text string, u *user.User, alone bool) (*identity, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %q: %q is no user id", text, u.Uid)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %q: %q is no group id", text, u.Gid)
	}
	as := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if !alone {
		groups, err := u.GroupIds()
		if err != nil {
			return nil, fmt.Errorf("user %q: its groups cannot be found: %w", text, err)
		}
		for _, group := range groups {
			if n, err := strconv.ParseUint(group, 10, 32); err == nil {
				as.Groups = append(as.Groups, uint32(n))
			}
		}
	}
	return &identity{uid: uint32(uid), as: as, name: u.Username, home: u.HomeDir}, nil
}

// apply makes a command run as the user. It must be called after setGroup, which replaces
// SysProcAttr.
func (i *identity) apply(cmd *exec.Cmd) {
	if i.as != nil {
		cmd.SysProcAttr.Credential = i.as
	}
}

// variables returns the variables that a login sets.
func (i *identity) variables() []string {
	if i.as == nil {
		return nil
	}
	env := []string{"HOME=" + i.home}
	if i.name != "" {
		env = append(env, "USER="+i.name, "LOGNAME="+i.name)
	}
	return env
}
