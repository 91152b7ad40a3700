// Package fc runs compiled functions as Alibaba Cloud's Function Compute does: as real processes,
// in the built-in runtime for Go (a runtime API over HTTP) or in a custom runtime (an HTTP server
// on a port). A function may have several instances, which can be frozen between invocations.
// Clients reach a function through an HTTP trigger, through the InvokeFunction API with
// asynchronous invocations, and through a stream of EventBridge that delivers messages of MNS.
//
// Where the service's documentation is silent, the behaviour is an option, so that tests can pass
// with either.
package fc
