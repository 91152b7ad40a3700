//go:build unix

package functiontask

import (
	"os/exec"
	"syscall"
)

// killGroup kills the process's group; nothing happens when it is gone.
func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// terminateGroup asks the process's group to end.
func terminateGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
