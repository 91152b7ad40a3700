// Package mns emulates Alibaba Cloud's message service, MNS (also SMQ), in memory: the REST API of version
// 2015-06-06 with its signatures, temporary credentials, XML errors, delays, visibility, receipt handles, priorities,
// retention and long polls. On request it repeats, reorders and loses messages, and fails calls in the ways in which a
// service over a network does.
//
// A Server is an http.Handler; cmd/mns serves one by itself. Its clock is the process's own, so inside a bubble of
// testing/synctest with Transport in place of a network, a delay of a week costs nothing.
//
// Known differences: topics hand messages to queues only, no per-second limits of its own, no dead-letter queues, and
// elements of requests that it does not know are ignored.
package mns
