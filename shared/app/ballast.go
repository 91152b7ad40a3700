package app

import "runtime"

// ballastMax is the most address space that the collector counts and nobody touches: it costs no memory, but a server with
// little live data then allocates so much before the next collection instead of collecting many times a second.
const ballastMax = 96 << 20

// holdBallast keeps the floor until release is called. It counts as memory for the collector's limit, so it is a small part of
// what there is.
func holdBallast(memory int64) (release func()) {
	floor := make([]byte, min(ballastMax, memory/16))
	return func() { runtime.KeepAlive(floor) }
}
