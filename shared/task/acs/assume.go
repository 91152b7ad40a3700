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

// roleTime is for how long a role is taken: the most that STS gives to a caller that has a role
// itself.
const roleTime = time.Hour

// roleFresh is how much of that must be left; with less the role is taken anew. It is more than any
// call takes.
const roleFresh = 15 * time.Minute

// Assumed is a role that is taken by STS.
type Assumed struct {
	Client   *Client // signs as who may take the role
	Endpoint string  // of STS
	ARN      string  // acs:ram::<account>:role/<name>
	Session  string  // what the cloud's audit shows beside the role

	Now func() time.Time // nil: the machine's clock
}

// assumed is what Assume keeps: the newest credentials, and who takes the role, one at a time.
type assumed struct {
	Assumed
	held   atomic.Pointer[held]
	taking chan struct{}
}

// held are credentials and their end.
type held struct {
	Credentials
	until time.Time
}

// Assume returns the credentials of a role. It asks STS when they are needed first, and again a
// quarter of an hour before they end; in between a call costs a look at the clock. While one caller
// takes the role anew the others use what they have. When STS refuses and what is held has ended,
// the error wraps ErrNone.
func Assume(role Assumed) Provider {
	if role.Now == nil {
		role.Now = time.Now
	}
	a := &assumed{Assumed: role, taking: make(chan struct{}, 1)}
	return a.credentials
}

func (a *assumed) credentials(ctx context.Context) (Credentials, error) {
	if h := a.held.Load(); h != nil && h.until.Sub(a.now()) > roleFresh {
		return h.Credentials, nil
	}
	select {
	case a.taking <- struct{}{}:
		defer func() { <-a.taking }()
		return a.take(ctx)
	default:
	}
	if h := a.valid(); h != nil {
		return h.Credentials, nil
	}
	select {
	case a.taking <- struct{}{}:
		defer func() { <-a.taking }()
		return a.take(ctx)
	case <-ctx.Done():
		return Credentials{}, context.Cause(ctx)
	}
}

// now is the wall clock alone: an instance that was frozen has lost no time by it.
func (a *assumed) now() time.Time { return a.Now().Round(0) }

// valid returns what is held, if it has not ended.
func (a *assumed) valid() *held {
	if h := a.held.Load(); h != nil && h.until.After(a.now()) {
		return h
	}
	return nil
}

// take takes the role, unless another caller has just done so. Callers of it are one at a time.
func (a *assumed) take(ctx context.Context) (Credentials, error) {
	if h := a.held.Load(); h != nil && h.until.Sub(a.now()) > roleFresh {
		return h.Credentials, nil
	}
	asked := a.now()
	h, err := a.ask(ctx)
	if err == nil {
		h.until = earlier(h.until, asked.Add(roleTime))
		a.held.Store(h)
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

// ask makes the call of STS.
func (a *assumed) ask(ctx context.Context) (*held, error) {
	answer, err := a.Client.Do(ctx, &Call{Endpoint: a.Endpoint, Method: http.MethodPost, Path: "/",
		Action: "AssumeRole", Version: "2015-04-01",
		Header: http.Header{"Accept": {"application/json"}},
		Query: url.Values{"RoleArn": {a.ARN}, "RoleSessionName": {a.Session},
			"DurationSeconds": {strconv.Itoa(int(roleTime / time.Second))}}})
	if err != nil {
		if e := Refusal(err); e != nil && e.Status == http.StatusForbidden {
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
	h := &held{Credentials: Credentials{c.AccessKeyId, c.AccessKeySecret, c.SecurityToken}, until: c.Expiration}
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
