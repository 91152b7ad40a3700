// Package mns emulates Alibaba Cloud's message service, MNS (also SMQ), in memory: the REST API of
// version 2015-06-06 with its signatures, temporary credentials, XML errors, delays, visibility
// timeouts, receipt handles, priorities, retention and long polls. On request it repeats, reorders
// and loses messages, and fails calls as a service over a network does.
//
// A Server is an http.Handler; cmd/mns serves one alone. Its clock is the process's own. In a
// bubble of testing/synctest, with Transport instead of a network, a delay of a week takes no time.
//
// Known differences from the service: topics deliver to queues only; there are no per-second limits
// and no dead-letter queues; unknown elements of requests are ignored.
package mns
