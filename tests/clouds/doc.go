// Package clouds holds what tests of both clouds, tests/clouds/lambda and tests/clouds/fc, share:
// the compilation of the functions, the clock that their executions may use, and the control of
// flows. Its own tests are the suite that runs on both clouds: one test each, with a subtest for
// each cloud and runtime.
package clouds
