package functiontask

import (
	"os/exec"
	"syscall"
)

// setGroup makes the process start in its own process group, and makes the kernel kill it when the
// thread that started it ends.
func setGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
