package otsstore

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/alibaba"
	"millrace/shared/store/driver"
)

// Error codes that this package handles.
const (
	codeCondition     = "OTSConditionCheckFail"
	codeObjectExists  = "OTSObjectAlreadyExist"
	codeNoObject      = "OTSObjectNotExist"
	codeTableNotReady = "OTSTableNotReady"
	codeAuth          = "OTSAuthFailed"
	codeNoPermission  = "OTSNoPermissionAccess"
	codeQuota         = "OTSQuotaExhausted"
)

// codeOf returns the service's code of an error; "" for an error that is not the service's.
func codeOf(err error) string {
	var ots *tablestore.OtsError
	if errors.As(err, &ots) {
		return ots.Code
	}
	return ""
}

// errorClass says what a failed attempt means for the call.
type errorClass int

const (
	permanent      errorClass = iota // not applied, and a repeat is of no use
	retryable                        // not applied, and a repeat may succeed
	unknownOutcome                   // the attempt may have been applied
)

func classify(err error) errorClass {
	var ots *tablestore.OtsError
	if errors.As(err, &ots) {
		return classifyCode(ots.Code, ots.Message, ots.HttpStatusCode)
	}
	var dial *net.OpError
	var request *url.Error
	switch {
	case errors.Is(err, errNoCredentials):
		return permanent
	case errors.As(err, &dial) && dial.Op == "dial":
		var name *net.DNSError
		if errors.As(err, &name) && name.IsNotFound {
			return permanent
		}
		return retryable
	case errors.As(err, &request) && request.Op == "parse",
		strings.Contains(err.Error(), "unsupported protocol scheme"),
		strings.Contains(err.Error(), "[tablestore] miss must header"),
		strings.Contains(err.Error(), "too long"):
		return permanent // the SDK found the fault before it sent the request
	}
	return unknownOutcome
}

// classifyCode classifies an error of the service. status is 0 for a row of a batch.
func classifyCode(code, message string, status int) errorClass {
	switch code {
	case "OTSRowOperationConflict", "OTSNotEnoughCapacityUnit", "OTSCapacityUnitExhausted",
		codeTableNotReady, "OTSPartitionUnavailable",
		"OTSServerBusy", "OTSStorageServerBusy":
		return retryable
	case codeQuota:
		if strings.Contains(message, "Too frequent") {
			return retryable
		}
		return permanent
	case "OTSTimeout", "OTSInternalServerError", "OTSServerUnavailable", "OTSRequestTimeout":
		return unknownOutcome
	}
	if status >= http.StatusInternalServerError {
		return unknownOutcome
	}
	return permanent
}

// call makes attempts until one succeeds, one fails for good, the context ends, or RetryFor is
// over. maybe reports that an attempt without a response may have been applied.
func (s *Store) call(
	ctx context.Context, op string, attempt func(*tablestore.TableStoreClient) error,
) (maybe bool, err error) {
	end := time.Now().Add(s.o.RetryFor)
	for n := 0; ; n++ {
		by, err := s.attempt(ctx, attempt)
		if err == nil {
			return maybe, nil
		}
		what := classify(err)
		maybe = maybe || what == unknownOutcome
		if codeOf(err) == codeAuth && s.credentialsChanged(ctx, by) {
			what = retryable
		}
		if what != permanent && ctx.Err() == nil && driver.Backoff(ctx, n, end) {
			continue
		}
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return maybe, s.explain(op, err)
	}
}

func (s *Store) attempt(
	ctx context.Context, attempt func(*tablestore.TableStoreClient) error,
) (alibaba.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.AttemptTime)
	defer cancel()
	return s.o.Client.attempt(ctx, attempt)
}

// credentialsChanged reports whether the credentials have changed since the service rejected them.
func (s *Store) credentialsChanged(ctx context.Context, rejected alibaba.Credentials) bool {
	now, err := s.o.Client.credentials(ctx)
	return err == nil && now != rejected
}
