package engine

// Topology says which processes work on one store, and what this one does there.
type Topology uint8

// The topologies.
const (
	// Servers: several processes advance the executions of one store. What a process has loaded may
	// be stale, each process renews the leases of its calls, and a lease that was not renewed shows
	// that its process is dead.
	Servers Topology = iota
	// Embedded: no other process works on the store. What a mailbox has loaded is what the store
	// holds, and the leases of another owner belong to a dead process.
	Embedded
	// Functions: processes that may be frozen after each response. They commit what they accept and
	// leave the rest to a hint. Only RunUntilIdle advances an execution, while the process is
	// certain to run. Leases are never renewed: they are as long as a call may take.
	Functions
)

// ownsStore reports whether no other process writes to the store, so that nothing that a mailbox
// has loaded can be stale.
func (e *Engine) ownsStore() bool { return e.Topology == Embedded }

// onlyAccepts reports whether executions are advanced in RunUntilIdle alone.
func (e *Engine) onlyAccepts() bool { return e.Topology == Functions }
