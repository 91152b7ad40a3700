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

	"millrace/shared/store"
)

// noRetry switches the client's own retries off: whether an earlier attempt may have been applied must be known here.
func noRetry(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// What may be done about a failed attempt.
type errorClass int

const (
	permanent      errorClass = iota // trying again is of no use, and nothing was applied
	retryable                        // nothing was applied, and it may go well the next time
	unknownOutcome                   // it may have been applied
)

func classify(err error) errorClass {
	var status *smithyhttp.ResponseError
	var api smithy.APIError
	var answer *smithy.DeserializationError
	var dial *net.OpError
	switch {
	case errors.As(err, &api) && throttled(api.ErrorCode()):
		return retryable
	case errors.As(err, &status) && status.HTTPStatusCode() >= 500:
		return unknownOutcome
	case errors.As(err, &api):
		return permanent
	case errors.As(err, &answer):
		return unknownOutcome
	case errors.As(err, &dial) && dial.Op == "dial":
		var name *net.DNSError
		if errors.As(err, &name) && name.IsNotFound {
			return permanent
		}
		return retryable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unknownOutcome // of the attempt; the caller's own is looked at first
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

// call makes attempts until one is answered, the context ends or RetryFor is over. maybe tells that an attempt that
// was not answered may have been applied.
func (s *Store) call(ctx context.Context, op string, attempt func(ctx context.Context) error) (maybe bool, err error) {
	end := time.Now().Add(s.o.RetryFor)
	for n := 0; ; n++ {
		if err = s.attempt(ctx, attempt); err == nil {
			return maybe, nil
		}
		s.o.Meter.failed(op)
		what := classify(err)
		maybe = maybe || what == unknownOutcome
		if what != permanent && ctx.Err() == nil && store.Backoff(ctx, n, end) {
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
