package local

// connectionBytes estimates the memory of a connection before anything is charged to a budget: its
// goroutine, the buffers of net/http and the beginning of a request.
const connectionBytes = 64 << 10

// connectionsWithin reduces limit so that connections take at most a quarter of memory, in bytes.
func connectionsWithin(limit int, memory int64) int {
	return int(max(min(int64(limit), memory/4/connectionBytes), 16))
}

// callBytes estimates the memory of a call in flight: its parameters, which are as large as the
// local data of a state, as text and as a tree.
const callBytes = 256 << 10

// callsWithin reduces limit so that calls take at most a quarter of memory, in bytes.
func callsWithin(limit, memory int64) int64 {
	return max(min(limit, memory/4/callBytes), 16)
}
