// Package acs calls the OpenAPIs of Alibaba Cloud: credentials that rotate, the signature
// ACS3-HMAC-SHA256 and the SHA1 signature of EventBridge, the endpoints of services, and a client
// that sends one signed request and reads a bounded response.
//
// It retries a call only if the service rejected credentials that have been replaced since. The
// caller must decide whether a call may be made twice.
package acs
