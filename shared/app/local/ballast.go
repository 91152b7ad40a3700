package local

import "runtime"

// ballastMax bounds the ballast: address space that the garbage collector counts but no code
// touches. It costs no memory. Without it, a server with little live data would collect many times
// a second.
const ballastMax = 96 << 20

// holdBallast keeps the ballast until release is called. The ballast counts against the collector's
// memory limit, so it is a small part of memory, which is in bytes.
func holdBallast(memory int64) (release func()) {
	floor := make([]byte, min(ballastMax, memory/16))
	return func() { runtime.KeepAlive(floor) }
}
