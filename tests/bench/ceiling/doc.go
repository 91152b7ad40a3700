// Package ceiling is the bound that the engine is measured against: a server that makes the same exchanges as an
// execution and nothing else. It takes the same signed request, syncs the same number of records to disk with group
// commit, makes the same calls to the task server, and gives the same answer; it keeps no state, interprets nothing
// and indexes nothing.
package ceiling
