// Package acs calls the OpenAPIs of Alibaba Cloud: credentials that rotate, the signature ACS3-HMAC-SHA256 and the older
// one of EventBridge, where services are, and a client that sends one signed request and reads its bounded answer.
//
// It retries nothing but what was refused with credentials that have since been replaced: whether a call may be made twice
// is the caller's to know.
package acs
