// Package clouds has what the two homes of the functions share in tests, tests/lambda and tests/fc: how the functions are
// compiled, the clock that their executions may go by, and how a test drives flows. Its own tests are the suite that runs
// in both homes: one test each, as a subtest for each home and runtime.
package clouds
