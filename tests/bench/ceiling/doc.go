// Package ceiling is the upper bound for measurements of the engine: a server that makes the same
// exchanges as an execution, and nothing else. It reads the same signed request, syncs the same
// number of records to disk with group commit, makes the same calls to the task server, and sends
// the same response. It keeps no state, interprets no flow and maintains no index.
package ceiling
