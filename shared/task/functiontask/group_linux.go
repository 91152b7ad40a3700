package functiontask

import (
	"os/exec"
	"syscall"
)

// setGroup starts the process in a group of its own, and has it die with the thread that starts it.
func setGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
