//go:build unix && !linux

package functiontask

import (
	"os/exec"
	"syscall"
)

// setGroup makes the process start in its own process group.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
