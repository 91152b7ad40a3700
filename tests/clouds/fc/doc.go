// Package fc runs the compiled functions on one machine as they are deployed on Alibaba Cloud: in
// both runtimes of Function Compute, fed by an event stream from MNS, on TableStore, behind an HTTP
// trigger, with rotating credentials of a role. It also replaces what flows call: other functions,
// queues and APIs. The services are the emulators of tests/clouds/emulators.
package fc
