// Package rpc has what both sides of the CloudFlow API (2019-03-15) say on the wire. Package server
// turns HTTP requests into calls of a service, package client calls such a server, package auth
// reads who may call, and package sign makes and checks signatures.
package rpc

import "strings"

// Version is the version of the API.
const Version = "2019-03-15"

// The headers of V3, in the canonical form of net/http.
const (
	HeaderAction      = "X-Acs-Action"
	HeaderVersion     = "X-Acs-Version"
	HeaderDate        = "X-Acs-Date"
	HeaderNonce       = "X-Acs-Signature-Nonce"
	HeaderContentHash = "X-Acs-Content-Sha256"
	HeaderToken       = "X-Acs-Security-Token"
	HeaderBearer      = "X-Acs-Bearer-Token"
)

// TimeFormat is the form of a request's time, in UTC.
const TimeFormat = "2006-01-02T15:04:05Z"

// Cut shortens a text of the other side for a message.
func Cut(s string) string {
	const bytesMax = 128
	if len(s) > bytesMax {
		s = s[:bytesMax] + "..."
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
