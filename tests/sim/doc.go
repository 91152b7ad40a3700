// Package sim runs the real service, runners, sweepers and interpreter over a simulated store, queue, network, clock
// and world of tasks, in a schedule that follows from a seed, with faults that follow from it too. The same seed gives
// the same run.
//
// A run lives in a synctest bubble. Everything that leaves the code under test (a call of the store, of the queue, of
// a task, a request, an answer) is an operation that waits in the scheduler. When nothing else in the bubble can go on,
// the scheduler picks one of those that wait, or lets time pass, or takes a process down, as the seed says. So between
// two picks only what follows from one operation runs.
//
// docs/reliability.md says what is checked, what has been found and what is not covered.
package sim
