//go:build unix && !linux

package functiontask

import (
	"os/exec"
	"syscall"
)

// setGroup starts the process in a group of its own.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
