// Package tablestore is an emulator of Alibaba Cloud TableStore (OTS), wide column model, in memory: a Server is an
// http.Handler for clients of any process, and an http.RoundTripper for clients of this one. `go run
// ./tests/emulators/tablestore/cmd/tablestore` starts it alone.
//
// It speaks the wire protocol with signatures, plain buffers and checksums; tables, defined columns, global indexes
// with a lag and local ones; single rows, batches (atomic ones too), ranges; row and column conditions, filters,
// versions and time to live; limits, capacity units, and errors with the service's codes. Faults come on request: see
// Fault and Chance. The official Go SDK is its witness.
//
// What it does not have answers OTSParameterInvalid: local transactions, streams, search indexes, SQL, time series,
// value_trans_rule in filters. Where documentation and SDKs say nothing, it does this: a condition or filter on a
// column of another type than its value does not hold; an atomic batch that fails answers the first row's error for
// the whole request; an expired STS token is an OTSAuthFailed; texts of errors about limits are its own;
// ListTable names indexes too.
package tablestore
