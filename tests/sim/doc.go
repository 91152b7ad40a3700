// Package sim runs the real service, engines, sweepers and interpreter over a simulated store,
// queue, network, clock and set of tasks. The schedule and the faults follow from a seed: the same
// seed produces the same run.
//
// A run lives in a synctest bubble. Everything that leaves the code under test (a call of the
// store, of the queue or of a task, a request, a response) is an operation that waits in the
// scheduler. When nothing else in the bubble can proceed, the scheduler picks a waiting operation,
// or lets time pass, or kills a process, as the seed decides. So between two picks only the
// consequences of one operation run.
//
// docs/reliability.md lists what is checked, what has been found and what is not covered.
package sim
