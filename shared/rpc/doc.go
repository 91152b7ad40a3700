// Package rpc is the wire of the CloudFlow API (2019-03-15): signatures, routing, parameters, answers and faults, and
// the client that speaks it. It turns HTTP requests into calls of a cloudflow.API and knows nothing of flows.
//
// The order of the checks is api.md 2.9: size, media type, operation, version, credentials, throttle, policy, required
// parameters, formats; the rest is the service's. Query strings and parameters are never logged: they hold tokens.
package rpc
