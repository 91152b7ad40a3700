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

	"millrace/shared/alibaba"
	"millrace/shared/value"
)

// roleLifetime is how long an assumed role is valid: the maximum that STS allows a caller that has
// a role itself.
const roleLifetime = time.Hour

// refreshMargin is the remaining lifetime below which the role is assumed again. It is longer than
// any call takes.
const refreshMargin = 15 * time.Minute

// AssumedRole is a role that is assumed by a call of STS.
type AssumedRole struct {
	Client   *Client // signs with credentials that may assume the role
	Endpoint string  // of STS
	ARN      string  // acs:ram::<account>:role/<name>
	Session  string  // shown beside the role in the cloud's audit log

	Now func() time.Time // nil: the machine's clock
}

// roleProvider caches the latest credentials. refreshing lets one caller at a time assume the role.
type roleProvider struct {
	AssumedRole
	cached     atomic.Pointer[expiringCredentials]
	refreshing chan struct{}
}

// expiringCredentials are credentials and their expiry.
type expiringCredentials struct {
	alibaba.Credentials
	until time.Time
}

// Assume returns a Provider of the credentials of a role. It calls STS when the credentials are
// first needed, and again a quarter of an hour before they expire; in between, a call only reads
// the clock. While one caller refreshes the credentials, the others use the cached ones. If STS
// returns an error and the cached credentials have expired, the error wraps
// alibaba.ErrNoCredentials.
func Assume(role AssumedRole) alibaba.Provider {
	if role.Now == nil {
		role.Now = time.Now
	}
	a := &roleProvider{AssumedRole: role, refreshing: make(chan struct{}, 1)}
	return a.credentials
}

func (a *roleProvider) credentials(ctx context.Context) (alibaba.Credentials, error) {
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
		return alibaba.Credentials{}, context.Cause(ctx)
	}
}

// now returns the wall clock without the monotonic clock, which may stop while an instance is
// frozen.
func (a *roleProvider) now() time.Time { return a.Now().Round(0) }

// valid returns the cached credentials, nil if they have expired.
func (a *roleProvider) valid() *expiringCredentials {
	if h := a.cached.Load(); h != nil && h.until.After(a.now()) {
		return h
	}
	return nil
}

// refresh assumes the role, unless another caller has just done so. The caller holds refreshing.
func (a *roleProvider) refresh(ctx context.Context) (alibaba.Credentials, error) {
	if h := a.cached.Load(); h != nil && h.until.Sub(a.now()) > refreshMargin {
		return h.Credentials, nil
	}
	requestedAt := a.now()
	h, err := a.assumeRole(ctx)
	if err == nil {
		h.until = earlier(h.until, requestedAt.Add(roleLifetime))
		a.cached.Store(h)
		return h.Credentials, nil
	}
	if h := a.valid(); h != nil {
		return h.Credentials, nil
	}
	return alibaba.Credentials{}, fmt.Errorf("%w: the role %s cannot be taken: %w",
		alibaba.ErrNoCredentials, a.ARN, err)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// assumeRole calls STS.
func (a *roleProvider) assumeRole(ctx context.Context) (*expiringCredentials, error) {
	resp, err := a.Client.Do(ctx, &Request{Endpoint: a.Endpoint, Method: http.MethodPost, Path: "/",
		Action: "AssumeRole", Version: "2015-04-01",
		Header: http.Header{"Accept": {"application/json"}},
		Query: url.Values{"RoleArn": {a.ARN}, "RoleSessionName": {a.Session},
			"DurationSeconds": {strconv.Itoa(int(roleLifetime / time.Second))}}})
	if err != nil {
		if e := AsError(err); e != nil && e.Status == http.StatusForbidden {
			return nil, fmt.Errorf(
				"%w; the function's role needs sts:AssumeRole on it, and the role must trust "+
					"that one (go run ./infra/alibaba -only roles)", err)
		}
		return nil, err
	}
	var got struct {
		Credentials struct {
			AccessKeyId, AccessKeySecret, SecurityToken string
			Expiration                                  time.Time
		}
	}
	if err := value.Unmarshal(resp.Body, &got); err != nil {
		return nil, errors.New("the response of STS cannot be read")
	}
	c := got.Credentials
	h := &expiringCredentials{
		Credentials: alibaba.Credentials{
			AccessKeyID:     c.AccessKeyId,
			AccessKeySecret: c.AccessKeySecret,
			SecurityToken:   c.SecurityToken,
		},
		until: c.Expiration,
	}
	if !h.Valid() || h.SecurityToken == "" || h.until.IsZero() {
		return nil, errors.New("the response of STS has no credentials")
	}
	return h, nil
}

// CheckRole returns an error unless arn is the resource name of a role,
// acs:ram::<account>:role/<name>.
func CheckRole(arn string) error {
	account, name, ok := strings.Cut(strings.TrimPrefix(arn, "acs:ram::"), ":role/")
	if !ok || !strings.HasPrefix(arn, "acs:ram::") || !IsAccount(account) || name == "" ||
		len(name) > 64 ||
		strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return fmt.Errorf("%q is no role, acs:ram::<account>:role/<name>", cut(arn))
	}
	return nil
}
