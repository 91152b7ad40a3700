package fc

import "syscall"

// tied makes a process end with the harness, even if the harness is killed.
func tied() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// freeze and thaw stop the process and let it continue, as the platform does between invocations.
func (in *instance) freeze() {
	if in.frozen.CompareAndSwap(false, true) {
		in.cmd.Process.Signal(syscall.SIGSTOP)
	}
}

func (in *instance) thaw() {
	if in.frozen.CompareAndSwap(true, false) {
		in.cmd.Process.Signal(syscall.SIGCONT)
	}
}

// memory returns the process's maximum resident memory, in bytes, once it has ended.
func (in *instance) memory() int64 {
	usage, _ := in.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if usage == nil {
		return 0
	}
	return usage.Maxrss * 1024
}
