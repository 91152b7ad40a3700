//go:build !unix

package functiontask

import "os/exec"

// setGroup does nothing: these systems have no process groups.
func setGroup(*exec.Cmd) {}

// killGroup kills the process.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// terminateGroup kills the process: these systems have no signal that asks it to exit.
func terminateGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
