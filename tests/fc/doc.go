// Package fc runs the compiled functions as they are deployed on Alibaba Cloud, on one machine: in both runtimes of
// Function Compute, fed by an event stream from MNS, on TableStore, behind an HTTP trigger, with the credentials of a role
// that rotate. What flows call, other functions, queues and APIs, is played too. The services are the emulators of
// tests/emulators.
package fc
