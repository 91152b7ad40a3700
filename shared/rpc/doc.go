// Package rpc implements the wire protocol of the CloudFlow API (2019-03-15): signatures, routing,
// parameters, responses and faults. It holds the server and the client. The server turns an HTTP
// request into a call of cloudflow.API; it knows nothing about flows.
//
// The server makes its checks in the order of api.md 2.9: size, media type, operation, version,
// credentials, throttle, policy, required parameters, formats. The service makes the remaining
// checks. Query strings and parameters must not be logged, because they hold tokens.
package rpc
