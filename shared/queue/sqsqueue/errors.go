package sqsqueue

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
)

// explain adds to an error its operation and queue and, if known, what to do about it.
func (q *Queue) explain(op string, err error) error {
	advice := advise(err)
	if named := regionOf(q.o.URL); named != "" && named != q.region && isAPI(err) {
		advice = fmt.Sprintf(
			"the queue is in region %q; set AWS_REGION to it, or correct the queue's URL", named,
		)
	}
	if advice != "" {
		return fmt.Errorf("sqsqueue: %s on queue %q in region %q: %s: %w", op, q.o.URL, q.region,
			advice, err)
	}
	return fmt.Errorf("sqsqueue: %s on queue %q in region %q: %w", op, q.o.URL, q.region, err)
}

func isAPI(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api)
}

// advise returns what to do about an error, "" if it is transient or unknown.
func advise(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return adviseCode(api.ErrorCode())
	}
	switch text := err.Error(); {
	case strings.Contains(text, "Missing Region"), strings.Contains(text, "missing region"):
		return "no region is configured; set AWS_REGION"
	case strings.Contains(text, "no such host"):
		return "the service's host is unknown; check the region and the endpoint"
	case strings.Contains(text, "connection refused"):
		return "nothing answers at the endpoint; check it"
	case strings.Contains(text, "credentials"):
		return "there are no usable credentials"
	}
	return ""
}

func adviseCode(code string) string {
	switch code {
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress":
		return "there is no such queue; deploy the template, or correct the queue's URL"
	case "AccessDenied", "AccessDeniedException":
		return "a permission is missing; allow sqs:SendMessage, and for a consumer " +
			"sqs:ReceiveMessage, sqs:DeleteMessage and " +
			"sqs:ChangeMessageVisibility"
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
		"InvalidSecurity", "ExpiredToken",
		"ExpiredTokenException", "MissingAuthenticationToken", "IncompleteSignature":
		return "the credentials are not valid here; check them, the region and the clock"
	case "KmsAccessDenied", "KmsDisabled", "KmsNotFound", "KmsInvalidState":
		return "the queue's key cannot be used; allow kms:GenerateDataKey and kms:Decrypt on " +
			"it, or check the key"
	case "OverLimit":
		return "too many messages are in flight; more consumers must acknowledge theirs first"
	}
	return ""
}

// isPermanent reports whether an error will persist. Expired credentials are transient: the
// provider replaces them.
func isPermanent(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ExpiredToken", "ExpiredTokenException":
		return false
	}
	switch adviseCode(api.ErrorCode()) {
	case "", adviseCode("OverLimit"):
		return false
	}
	return true
}
