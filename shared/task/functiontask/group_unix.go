//go:build unix

package functiontask

import (
	"os/exec"
	"syscall"
)

// killGroup kills the process's group. If the group no longer exists, it does nothing.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// terminateGroup asks the process's group to exit.
func terminateGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
