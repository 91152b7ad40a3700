package app

import "runtime"

// heapFloor is address space that the collector counts and nobody touches: it costs no memory, but a server with
// little live data then allocates so much before the next collection instead of collecting many times a second.
const heapFloor = 96 << 20

// holdHeap keeps the floor until release is called.
func holdHeap() (release func()) {
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(floor) }
}
