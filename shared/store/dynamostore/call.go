package dynamostore

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"millrace/shared/store/driver"
)

// noRetry disables the client's own retries: this package must know whether an earlier attempt may
// have been applied.
func noRetry(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// errorClass says what a failed attempt means for the call.
type errorClass int

const (
	permanent      errorClass = iota // not applied, and a repeat is of no use
	retryable                        // not applied, and a repeat may succeed
	unknownOutcome                   // the attempt may have been applied
)

func classify(err error) errorClass {
	var status *smithyhttp.ResponseError
	var api smithy.APIError
	var decode *smithy.DeserializationError
	var dial *net.OpError
	switch {
	case errors.As(err, &api) && throttled(api.ErrorCode()):
		return retryable
	case errors.As(err, &status) && status.HTTPStatusCode() >= 500:
		return unknownOutcome
	case errors.As(err, &api):
		return permanent
	case errors.As(err, &decode):
		return unknownOutcome
	case errors.As(err, &dial) && dial.Op == "dial":
		var name *net.DNSError
		if errors.As(err, &name) && name.IsNotFound {
			return permanent
		}
		return retryable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		// this is the context of the attempt; the caller's own context is checked first
		return unknownOutcome
	case retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary:
		return unknownOutcome
	}
	return permanent
}

func throttled(code string) bool {
	switch code {
	case "TransactionConflictException", "ReplicatedWriteConflictException":
		return true
	}
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok
}

// call makes attempts until one succeeds, one fails for good, the context ends, or RetryFor is
// over. maybe reports that an attempt without a response may have been applied.
func (s *Store) call(
	ctx context.Context, op string, attempt func(ctx context.Context) error,
) (maybe bool, err error) {
	end := time.Now().Add(s.o.RetryFor)
	for n := 0; ; n++ {
		if err = s.attempt(ctx, attempt); err == nil {
			return maybe, nil
		}
		what := classify(err)
		maybe = maybe || what == unknownOutcome
		if what != permanent && ctx.Err() == nil && driver.Backoff(ctx, n, end) {
			continue
		}
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return maybe, s.explain(op, err)
	}
}

func (s *Store) attempt(ctx context.Context, attempt func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.AttemptTime)
	defer cancel()
	return attempt(ctx)
}
