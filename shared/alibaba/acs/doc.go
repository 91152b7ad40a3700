// Package acs calls the OpenAPIs of Alibaba Cloud: the signature ACS3-HMAC-SHA256 and the SHA1
// signature of EventBridge, the endpoints of services, the credentials of an assumed role, and a
// client that sends one signed request and reads a bounded response.
//
// It retries a call only if the service rejected credentials that have been replaced since. The
// caller must decide whether a call may be made twice.
package acs
