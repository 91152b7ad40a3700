package mnsqueue

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"millrace/shared/alibaba/mns"
)

// explain adds to an error its operation and queue and, if known, what to do about it.
func (q *Queue) explain(op string, err error) error {
	where := q.o.Client.Endpoint
	if advice := advise(err, regionOf(where)); advice != "" {
		return fmt.Errorf("mnsqueue: %s on queue %q at %s: %s: %w", op, q.o.Name, where, advice,
			err)
	}
	return fmt.Errorf("mnsqueue: %s on queue %q at %s: %w", op, q.o.Name, where, err)
}

// advise returns what to do about an error, "" if it is transient or unknown.
func advise(err error, region string) string {
	if code := mns.Code(err); code != "" {
		return adviseCode(code, region)
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, mns.ErrCredentials):
		return "no request can be signed; give the function a role, or set " +
			"ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	case errors.As(err, &dns):
		return "the host of the endpoint is unknown; check the account ID and the region in the " +
			"queue's URL (ALIBABA_CLOUD_ACCOUNT_ID, ALIBABA_CLOUD_REGION_ID), and -internal, " +
			"which exists inside a VPC only"
	case strings.Contains(err.Error(), "connection refused"):
		return "nothing answers at the endpoint; check it"
	}
	return ""
}

func adviseCode(code, region string) string {
	in := ""
	if region != "" {
		in = " in " + region
	}
	switch code {
	case "QueueNotExist":
		return "there is no such queue" + in +
			"; create it, or correct account, region and name in the queue's URL (go run " +
			"./infra/alibaba -only queues; " +
			"ALIBABA_CLOUD_ACCOUNT_ID, ALIBABA_CLOUD_REGION_ID, MILLRACE_PREFIX)"
	case "AccessDenied":
		return "the account of the endpoint is not that of the credentials, or a permission is " +
			"missing: mns:SendMessage, and for a " +
			"consumer mns:ReceiveMessage, mns:DeleteMessage and mns:ChangeMessageVisibility (go " +
			"run ./infra/alibaba -only roles; ALIBABA_CLOUD_ACCOUNT_ID)"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidAuthorizationHeader":
		return "the credentials are not valid here; check the access key"
	case "InvalidSecurityToken", "SecurityTokenExpired", "InvalidSecurityToken.Expired",
		"SecurityTokenInvalid":
		return "the temporary credentials have expired or do not fit their token; take fresh " +
			"ones, which are used at once"
	case "TimeExpired", "RequestTimeTooSkewed":
		return "the request's time is too far from the service's; set the clock"
	case "InvalidArgument", "MalformedXML", "InvalidQueryString", "InvalidQueueName",
		"QueueNameLengthError":
		return "the service does not take what was sent; check the queue's name and its " +
			"MaximumMessageSize"
	}
	return ""
}

// isPermanent reports whether an error will persist. Expired credentials and clock errors are
// transient: the provider replaces the credentials, and the clock may be set.
func isPermanent(err error) bool {
	switch mns.Code(err) {
	case "QueueNotExist", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"InvalidAuthorizationHeader", "InvalidArgument",
		"MalformedXML", "InvalidQueryString", "InvalidQueueName", "QueueNameLengthError":
		return true
	}
	return false
}
