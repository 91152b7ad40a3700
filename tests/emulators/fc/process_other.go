//go:build !linux

package fc

import "syscall"

func tied() *syscall.SysProcAttr { return nil }

// Elsewhere instances are not frozen.
func (in *instance) freeze() {}
func (in *instance) thaw()   {}
