package acs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/shared/value"
)

// roleLifetime is for how long a role is taken: the most that STS gives to a caller that has a role
// itself.
const roleLifetime = time.Hour

// refreshMargin is how much of that must be left; with less the role is taken anew. It is more than any
// call takes.
const refreshMargin = 15 * time.Minute

// AssumedRole is a role that is taken by STS.
type AssumedRole struct {
	Client   *Client // signs as who may take the role
	Endpoint string  // of STS
	ARN      string  // acs:ram::<account>:role/<name>
	Session  string  // what the cloud's audit shows beside the role

	Now func() time.Time // nil: the machine's clock
}

// roleProvider is what Assume keeps: the newest credentials, and who takes the role, one at a time.
type roleProvider struct {
	AssumedRole
	cached     atomic.Pointer[expiringCredentials]
	refreshing chan struct{}
}

// expiringCredentials are credentials and their end.
type expiringCredentials struct {
	Credentials
	until time.Time
}

// Assume returns the credentials of a role. It asks STS when they are needed first, and again a
// quarter of an hour before they end; in between a call costs a look at the clock. While one caller
// takes the role anew the others use what they have. When STS refuses and what is held has ended,
// the error wraps ErrNone.
func Assume(role AssumedRole) Provider {
	if role.Now == nil {
		role.Now = time.Now
	}
	a := &roleProvider{AssumedRole: role, refreshing: make(chan struct{}, 1)}
	return a.credentials
}

func (a *roleProvider) credentials(ctx context.Context) (Credentials, error) {
	if h := a.cached.Load(); h != nil && h.until.Sub(a.now()) > refreshMargin {
		return h.Credentials, nil
	}
	select {
	case a.refreshing <- struct{}{}:
		defer func() { <-a.refreshing }()
		return a.refresh(ctx)
	default:
	}
	if h := a.valid(); h != nil {
		return h.Credentials, nil
	}
	select {
	case a.refreshing <- struct{}{}:
		defer func() { <-a.refreshing }()
		return a.refresh(ctx)
	case <-ctx.Done():
		return Credentials{}, context.Cause(ctx)
	}
}

// now is the wall clock alone: an instance that was frozen has lost no time by it.
func (a *roleProvider) now() time.Time { return a.Now().Round(0) }

// valid returns what is held, if it has not ended.
func (a *roleProvider) valid() *expiringCredentials {
	if h := a.cached.Load(); h != nil && h.until.After(a.now()) {
		return h
	}
	return nil
}

// refresh takes the role, unless another caller has just done so. Callers of it are one at a time.
func (a *roleProvider) refresh(ctx context.Context) (Credentials, error) {
	if h := a.cached.Load(); h != nil && h.until.Sub(a.now()) > refreshMargin {
		return h.Credentials, nil
	}
	asked := a.now()
	h, err := a.assumeRole(ctx)
	if err == nil {
		h.until = earlier(h.until, asked.Add(roleLifetime))
		a.cached.Store(h)
		return h.Credentials, nil
	}
	if h := a.valid(); h != nil {
		return h.Credentials, nil
	}
	return Credentials{}, fmt.Errorf("%w: the role %s cannot be taken: %w", ErrNone, a.ARN, err)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// assumeRole makes the call of STS.
func (a *roleProvider) assumeRole(ctx context.Context) (*expiringCredentials, error) {
	answer, err := a.Client.Do(ctx, &Request{Endpoint: a.Endpoint, Method: http.MethodPost, Path: "/",
		Action: "AssumeRole", Version: "2015-04-01",
		Header: http.Header{"Accept": {"application/json"}},
		Query: url.Values{"RoleArn": {a.ARN}, "RoleSessionName": {a.Session},
			"DurationSeconds": {strconv.Itoa(int(roleLifetime / time.Second))}}})
	if err != nil {
		if e := AsError(err); e != nil && e.Status == http.StatusForbidden {
			return nil, fmt.Errorf("%w; the function's role needs sts:AssumeRole on it, and the role must trust that one "+
				"(go run ./infra/alibaba -only roles)", err)
		}
		return nil, err
	}
	var got struct {
		Credentials struct {
			AccessKeyId, AccessKeySecret, SecurityToken string
			Expiration                                  time.Time
		}
	}
	if err := value.Unmarshal(answer.Body, &got); err != nil {
		return nil, errors.New("the answer of STS cannot be read")
	}
	c := got.Credentials
	h := &expiringCredentials{Credentials: Credentials{c.AccessKeyId, c.AccessKeySecret, c.SecurityToken}, until: c.Expiration}
	if !h.Valid() || h.SecurityToken == "" || h.until.IsZero() {
		return nil, errors.New("the answer of STS has no credentials")
	}
	return h, nil
}

// CheckRole returns what is wrong with the resource name of a role, acs:ram::<account>:role/<name>.
func CheckRole(arn string) error {
	account, name, ok := strings.Cut(strings.TrimPrefix(arn, "acs:ram::"), ":role/")
	if !ok || !strings.HasPrefix(arn, "acs:ram::") || !IsAccount(account) || name == "" || len(name) > 64 ||
		strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return fmt.Errorf("%q is no role, acs:ram::<account>:role/<name>", cut(arn))
	}
	return nil
}
