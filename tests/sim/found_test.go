package sim_test

import (
	"testing"

	"millrace/tests/sim"
)

// found lists seeds that have shown a bug, and the bug.
var found = []struct {
	seed uint64
	what string
}{
	{1, "a state that was cut off while it began was stored as one that waits"},
	{3, "a start was answered Running after a stop had been accepted: the runner had an old " +
		"state at hand"},
	{6, "the definition of a CreateFlow whose process died in the middle stayed for ever"},
	{7, "values of a claim that was lost stayed for ever, and then definitions as with 6"},
	{66, "a runner looked after the lease of a call that was over"},
	{
		188,
		"a report was refused as TaskAlreadyCompleted while its task was open: the runner had an " +
			"old state at hand"},
	{246, "an answer that was there was not given, because the caller's time was over too"},
	{311, "as 3"},
	{390, "values got their places in the order of a map"},
	{634, "as 3"},
	{709, "a call was made after it had waited in line until its lease was over"},
	{1115, "more executions were started at one moment than may run"},
	{1252, "as 188"},
	{1379, "as 3"},
	{
		1765,
		"an execution that nobody waited for ran on: its start had been called again, and failed"},
	{
		2400,
		"an inbox entry counted as forgotten while the queue of functions refused hints: " +
			"the check was wrong"},
	{5074, "more executions were started than may run, after a count of those that ran had failed"},
	{3353, "as 2400, while that queue delivered nothing"},
	{2001758, "a sweep read every value that was to expire soon, each time"},
	{2009089,
		"who watched an execution went on after all that start it had given up: the simulation " +
			"was wrong"},
	{3001973, "a process called again what was in flight in it"},
	{90064422, "results of a Parallel in a loop were nested too deep to be read again"},
	{90072318, "hints sent hints while the outbox was relayed"},
	{90111050, "as 90072318"},
	{90132285, "as 90072318"},
	{6000281,
		"the definitions of a deleted flow were read for ever from the first page, when only the " +
			"tombstone stood on it"},
}

// TestFound runs these seeds.
func TestFound(t *testing.T) {
	for _, f := range found {
		o := sim.Options{Seed: f.seed}
		if r := sim.Run(t, o); r.Failure != "" {
			t.Errorf("%s\nfound before with it: %s", failureText(o, r), f.what)
		}
	}
}
