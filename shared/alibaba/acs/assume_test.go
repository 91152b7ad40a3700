package acs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
)

// sts simulates STS: it returns credentials for an hour, or an error if refuse is set.
type sts struct {
	mu      sync.Mutex
	calls   int
	refuse  bool
	now     time.Time
	request *http.Request
}

func (s *sts) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.request = r
	if s.refuse {
		return &http.Response{StatusCode: 403,
			Body: io.NopCloser(strings.NewReader(`{"Code":"NoPermission","Message":"no"}`))}, nil
	}
	body := fmt.Sprintf(
		`{"Credentials":{"AccessKeyId":"STS.%d","AccessKeySecret":"s",`+
			`"SecurityToken":"t","Expiration":%q}}`,
		s.calls, s.now.Add(time.Hour).Format(time.RFC3339),
	)
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (s *sts) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *sts) ahead(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func assume(s *sts) alibaba.Provider {
	client := acs.NewClient(alibaba.Static(key), &http.Client{Transport: s})
	return acs.Assume(acs.AssumedRole{
		Client: client, Endpoint: "https://sts.cn-hangzhou.aliyuncs.com",
		ARN: "acs:ram::123:role/tasks", Session: "s", Now: s.clock,
	})
}

// TestAssumedRoleIsKept: one call of STS serves many calls; it is repeated before the credentials
// expire.
func TestAssumedRoleIsKept(t *testing.T) {
	s := &sts{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	p := assume(s)
	for _, step := range []struct {
		after time.Duration
		id    string
	}{
		{0, "STS.1"}, {44 * time.Minute, "STS.1"}, {2 * time.Minute, "STS.2"},
		{44 * time.Minute, "STS.2"}, {3 * time.Hour, "STS.3"},
	} {
		s.ahead(step.after)
		for range 3 {
			if k, err := p(t.Context()); err != nil || k.AccessKeyID != step.id ||
				k.SecurityToken != "t" {
				t.Errorf("%v later: %v %v, want %s", step.after, k.AccessKeyID, err, step.id)
			}
		}
	}
	q := s.request.URL.Query()
	if q.Get("RoleArn") != "acs:ram::123:role/tasks" || q.Get("RoleSessionName") != "s" ||
		q.Get("DurationSeconds") != "3600" ||
		s.request.Header.Get("X-Acs-Action") != "AssumeRole" ||
		!strings.Contains(s.request.Header.Get("Authorization"), "Credential=AKID,") {
		t.Errorf("%v %v", q, s.request.Header)
	}
}

// TestAssumedRoleIsTakenOnce: many concurrent callers make one call of STS.
func TestAssumedRoleIsTakenOnce(t *testing.T) {
	s := &sts{now: time.Now()}
	p := assume(s)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if _, err := p(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.calls != 1 {
		t.Errorf("%d calls of STS", s.calls)
	}
}

// TestAssumedRoleThatCannotBeTaken: while STS returns errors, the cached credentials are used until
// they expire.
func TestAssumedRoleThatCannotBeTaken(t *testing.T) {
	s := &sts{now: time.Now(), refuse: true}
	p := assume(s)
	if _, err := p(t.Context()); !errors.Is(err, alibaba.ErrNoCredentials) ||
		!strings.Contains(err.Error(), "sts:AssumeRole") ||
		!strings.Contains(err.Error(), "role/tasks") {
		t.Errorf("%v", err)
	}
	s.refuse = false
	if _, err := p(t.Context()); err != nil {
		t.Error(err)
	}
	s.refuse = true
	s.ahead(50 * time.Minute)
	if k, err := p(t.Context()); err != nil || k.AccessKeyID != "STS.2" {
		t.Errorf("%v %v", k.AccessKeyID, err)
	}
	s.ahead(11 * time.Minute)
	if _, err := p(t.Context()); !errors.Is(err, alibaba.ErrNoCredentials) {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p(ended); err == nil {
		t.Error("a caller that has ended gets credentials")
	}
}

func TestCheckRole(t *testing.T) {
	if err := acs.CheckRole("acs:ram::1234567890123456:role/millrace-tasks"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		"", "millrace-tasks", "acs:ram:::role/x", "acs:ram::1:role/", "acs:ram::1:user/x",
		"acs:ram::x:role/x", "acs:ram::1:role/a b", "acs:ram::1:role/" + strings.Repeat("x", 65),
	} {
		if acs.CheckRole(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
