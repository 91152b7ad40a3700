// Package fc runs compiled functions as Alibaba Cloud's Function Compute does: real processes, in the built-in runtime for
// Go (a runtime API over HTTP) or in a custom runtime (an HTTP server on a port), several instances of each, frozen
// between invocations if wanted. In front of them stand an HTTP trigger, the InvokeFunction API with asynchronous
// invocations, and a stream of EventBridge that brings messages of MNS.
//
// What the service's pages leave open is an option, so that tests can hold under either answer.
package fc
