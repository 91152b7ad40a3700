//go:build !unix

package functiontask

import "os/exec"

// setGroup does nothing: there are no process groups here.
func setGroup(*exec.Cmd) {}

// killGroup kills the process.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// terminateGroup kills the process: there is no gentler way here.
func terminateGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
