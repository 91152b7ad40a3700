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

	"millrace/shared/store"
)

// Codes of errors that are looked at.
const (
	codeCondition     = "OTSConditionCheckFail"
	codeObjectExists  = "OTSObjectAlreadyExist"
	codeNoObject      = "OTSObjectNotExist"
	codeTableNotReady = "OTSTableNotReady"
	codeAuth          = "OTSAuthFailed"
	codeNoPermission  = "OTSNoPermissionAccess"
	codeQuota         = "OTSQuotaExhausted"
)

// codeOf is the service's code for an error; "" when it is not the service's.
func codeOf(err error) string {
	var ots *tablestore.OtsError
	if errors.As(err, &ots) {
		return ots.Code
	}
	return ""
}

// What may be done about a failed attempt.
type remedy int

const (
	final  remedy = iota // trying again is of no use, and nothing was applied
	again                // nothing was applied, and it may go well the next time
	unsure               // it may have been applied
)

func remedyOf(err error) remedy {
	var ots *tablestore.OtsError
	if errors.As(err, &ots) {
		return remedyOfCode(ots.Code, ots.Message, ots.HttpStatusCode)
	}
	var dial *net.OpError
	var request *url.Error
	switch {
	case errors.Is(err, errNoCredentials):
		return final
	case errors.As(err, &dial) && dial.Op == "dial":
		var name *net.DNSError
		if errors.As(err, &name) && name.IsNotFound {
			return final
		}
		return again
	case errors.As(err, &request) && request.Op == "parse", strings.Contains(err.Error(), "unsupported protocol scheme"),
		strings.Contains(err.Error(), "[tablestore] miss must header"), strings.Contains(err.Error(), "too long"):
		return final // the SDK found it before it asked
	}
	return unsure
}

// remedyOfCode is about what the service says. status is 0 for a row of a batch.
func remedyOfCode(code, message string, status int) remedy {
	switch code {
	case "OTSRowOperationConflict", "OTSNotEnoughCapacityUnit", "OTSCapacityUnitExhausted", codeTableNotReady, "OTSPartitionUnavailable",
		"OTSServerBusy", "OTSStorageServerBusy":
		return again
	case codeQuota:
		if strings.Contains(message, "Too frequent") {
			return again
		}
		return final
	case "OTSTimeout", "OTSInternalServerError", "OTSServerUnavailable", "OTSRequestTimeout":
		return unsure
	}
	if status >= http.StatusInternalServerError {
		return unsure
	}
	return final
}

// call makes attempts until one is answered, the context ends or RetryFor is over. maybe tells that an attempt that
// was not answered may have been applied.
func (s *Store) call(ctx context.Context, op string, attempt func(*tablestore.TableStoreClient) error) (maybe bool, err error) {
	end := time.Now().Add(s.o.RetryFor)
	for n := 0; ; n++ {
		by, err := s.attempt(ctx, attempt)
		if err == nil {
			return maybe, nil
		}
		s.o.Meter.failed(op)
		what := remedyOf(err)
		maybe = maybe || what == unsure
		if codeOf(err) == codeAuth && s.replaced(ctx, by) {
			what = again
		}
		if what != final && ctx.Err() == nil && store.Pause(ctx, n, end) {
			continue
		}
		if ctx.Err() != nil {
			err = errors.Join(ctx.Err(), err)
		}
		return maybe, s.explain(op, err)
	}
}

func (s *Store) attempt(ctx context.Context, attempt func(*tablestore.TableStoreClient) error) (Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.AttemptTime)
	defer cancel()
	return s.o.Client.attempt(ctx, attempt)
}

// replaced tells whether there are other credentials by now than those that were refused.
func (s *Store) replaced(ctx context.Context, refused Credentials) bool {
	now, err := s.o.Client.credentials(ctx)
	return err == nil && now != refused
}
