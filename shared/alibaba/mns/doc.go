// Package mns is a client of the REST API of Alibaba Cloud's message service, MNS (also SMQ),
// version 2015-06-06: one method for each call on messages. It does not retry, except once with new
// credentials, and keeps no state but connections.
package mns
