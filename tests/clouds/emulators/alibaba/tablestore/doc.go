// Package tablestore emulates Alibaba Cloud TableStore (OTS), wide column model, in memory: a
// Server is an http.Handler for clients of any process, and an http.RoundTripper for clients of the
// same process. `go run ./alibaba/tablestore/cmd/tablestore` starts it alone.
//
// It implements the wire protocol with signatures, plain buffers and checksums; tables, defined
// columns, global indexes with a lag, and local ones; single rows, batches (also atomic ones),
// ranges; row and column conditions, filters, versions and time to live; limits, capacity units,
// and errors with the service's codes. Fault and Chance inject faults. The official Go SDK
// cross-checks it.
//
// Unsupported features return OTSParameterInvalid: local transactions, streams, search indexes,
// SQL, time series, and value_trans_rule in filters. Where documentation and SDKs are silent, it
// chooses: a condition or filter on a column whose value has another type does not hold; an atomic
// batch that fails returns the first failed row's error for the whole request; an expired STS token
// is an OTSAuthFailed; the texts of errors about limits are its own; ListTable lists indexes too.
package tablestore
