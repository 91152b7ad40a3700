package mnsqueue_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba/mns"
	"millrace/shared/queue"
	"millrace/shared/queue/mnsqueue"
	emulator "millrace/tests/clouds/emulators/alibaba/mns"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(*emulator.Server, *mns.Client) (queue string)
		passes     bool // Consume continues
	}{
		{
			"missing",
			"there is no such queue in cn-hangzhou; create it, or correct account, region and " +
				"name in the queue's URL (go run ./infra/alibaba -only queues; " +
				"ALIBABA_CLOUD_ACCOUNT_ID",
			func(*emulator.Server, *mns.Client) string { return "nobody" }, false,
		},
		{"instance", "the account of the endpoint", func(_ *emulator.Server, c *mns.Client) string {
			c.Endpoint = mns.Endpoint("999", emulator.Region, true)
			return "hints"
		}, false},
		{"key", "the credentials are not valid here",
			func(s *emulator.Server, _ *mns.Client) string {
				s.SetKeys(map[string]emulator.Key{"other": {}})
				return "hints"
			}, false},
		{"secret", "the credentials are not valid here",
			func(s *emulator.Server, _ *mns.Client) string {
				s.SetKeys(map[string]emulator.Key{emulator.AccessKeyID: {Secret: "other"}})
				return "hints"
			}, false},
		{"expired", "temporary credentials have expired",
			func(s *emulator.Server, _ *mns.Client) string {
				s.SetKeys(map[string]emulator.Key{
					emulator.AccessKeyID: {Secret: emulator.AccessKeySecret, Expires: time.Now()},
				})
				return "hints"
			}, true},
		{"token", "temporary credentials have expired",
			func(s *emulator.Server, _ *mns.Client) string {
				s.SetKeys(map[string]emulator.Key{
					emulator.AccessKeyID: {Secret: emulator.AccessKeySecret, Token: "newer"},
				})
				return "hints"
			}, true},
		{"permission", "mns:SendMessage, and for a consumer mns:ReceiveMessage, " +
			"mns:DeleteMessage and mns:ChangeMessageVisibility " +
			"(go run ./infra/alibaba -only roles;",
			func(s *emulator.Server, _ *mns.Client) string {
				s.SetHook(func(emulator.Call) emulator.Fault { return emulator.Deny })
				return "hints"
			}, false},
		{
			"none", "no request can be signed",
			func(_ *emulator.Server, c *mns.Client) string { c.Credentials = nil; return "hints" },
			true,
		},
		{"clock", "set the clock", func(_ *emulator.Server, c *mns.Client) string {
			c.HTTP = &http.Client{Transport: slowClock{c.HTTP.Transport}}
			return "hints"
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := emulator.New(emulator.Options{})
			s.CreateQueue("hints")
			client := &mns.Client{
				Endpoint:    mns.Endpoint(emulator.AccountID, emulator.Region, false),
				Credentials: credentials,
				HTTP:        &http.Client{Transport: s.Transport()},
			}
			name := c.change(s, client)
			q := mnsqueue.New(mnsqueue.Options{Client: client, Name: name})
			if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}); err == nil ||
				!strings.Contains(err.Error(), c.want) {
				t.Errorf("Send: %v, want %q in it", err, c.want)
			}
			if c.passes {
				return
			}
			err := q.Consume(t.Context(), func(context.Context, string) error { return nil })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Consume: %v, want %q in it", err, c.want)
			}
		})
	}
	q := mnsqueue.New(mnsqueue.Options{
		Client: &mns.Client{Endpoint: "http://127.0.0.1:1", Credentials: credentials}, Name: "q",
	})
	if err := q.Send(t.Context(), queue.Hint{Partition: "x#1#a"}); err == nil ||
		!strings.Contains(err.Error(), "nothing answers") {
		t.Errorf("no server: %v", err)
	}
}

// slowClock makes requests with the time of a clock that is an hour slow.
type slowClock struct{ next http.RoundTripper }

func (s slowClock) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	return s.next.RoundTrip(r)
}
