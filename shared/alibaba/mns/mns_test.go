package mns_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/mns"
)

// roundTrip returns responses in place of the service.
type roundTrip func(*http.Request) (int, string)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)),
		Header: http.Header{"X-Mns-Request-Id": {"R1"}}, Request: r}, nil
}

func client(f roundTrip) *mns.Client {
	return &mns.Client{Endpoint: "http://1234567890123456.mns.cn-hangzhou.aliyuncs.com",
		Credentials: alibaba.Static(alibaba.Credentials{AccessKeyID: "AKID",
			AccessKeySecret: "SECRET"}),
		HTTP: &http.Client{Transport: f}}
}

func load(t testing.TB, name string, to any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSignature(t *testing.T) {
	var v struct{ AccessKeySecret, Body, ContentMD5, Method, Resource, Signature string }
	load(t, "signature.json", &v)
	if got := mns.Digest([]byte(v.Body)); got != v.ContentMD5 {
		t.Errorf("digest %s", got)
	}
	h := http.Header{"Content-Md5": {v.ContentMD5}, "Content-Type": {"application/xml"}, "Date": {
		"Sat, 22 Nov 2025 10:00:00 GMT",
	},
		"X-Mns-Version": {"2015-06-06"}, "Security-Token": {"not signed"}}
	if got := mns.Signature(v.AccessKeySecret, v.Method, v.Resource, h); got != v.Signature {
		t.Errorf("signature %s", got)
	}
}

type sample struct {
	Request  struct{ Method, Path, Body string }
	Response struct {
		Status int
		Body   string
	}
	Partial struct {
		Status int
		Body   string
	} `json:"partialFailureResponse"`
}

// TestSamples replays the recorded calls, request and response.
func TestSamples(t *testing.T) {
	var samples map[string]sample
	load(t, "samples.json", &samples)
	const hint = "eyJ2IjoxLCJraW5kIjoic3RlcCIsImV4IjoiZmxvdy9vcmRlci9leGVjL3J1bi0xIiwic2Vx" +
		"Ijo3LCJ0b2tlbiI6IjAxSjAwMDAwMDAwMDAwMDAwMDAwMDAwMDBBIn0="
	for name, call := range map[string]func(*mns.Client) error{
		"batchSendMessage": func(c *mns.Client) error {
			failed, err := c.Send(t.Context(), "wf-steps", []mns.OutgoingMessage{{Body: hint}})
			if failed != nil {
				t.Error(failed)
			}
			return err
		},
		"receiveMessage": func(c *mns.Client) error {
			got, err := c.Receive(t.Context(), "wf-steps", 1, 10*time.Second)
			if len(got) != 1 || got[0].Body != hint ||
				got[0].Handle != "1-ODU4OTkzNDU5My0xNDMyNzI3ODI3LTItOA==" ||
				got[0].DequeueCount != 1 ||
				!got[0].NextVisible.Equal(time.UnixMilli(1763805630000)) {
				t.Errorf("%+v", got)
			}
			return err
		},
		"receiveEmpty": func(c *mns.Client) error {
			got, err := c.Receive(t.Context(), "wf-steps", 1, 10*time.Second)
			if len(got) != 0 {
				t.Errorf("%+v", got)
			}
			return err
		},
		"deleteMessage": func(c *mns.Client) error {
			return c.Delete(t.Context(), "wf-steps", "1-ODU4OTkzNDU5My0xNDMyNzI3ODI3LTItOA==")
		},
		"batchDeleteMessage": func(c *mns.Client) error {
			return c.Delete(t.Context(), "wf-steps", "1-A", "1-B")
		},
		"changeVisibility": func(c *mns.Client) error {
			handle, err := c.ChangeVisibility(t.Context(), "wf-steps", "1-A",
				59500*time.Millisecond)
			if handle != "1-C" {
				t.Errorf("handle %s", handle)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := samples[name]
			c := client(func(r *http.Request) (int, string) {
				// This client always receives in batches, which changes only what encloses the
				// message.
				path := strings.Replace(r.URL.RequestURI(), "numOfMessages=1&", "", 1)
				if r.Method != s.Request.Method || path != s.Request.Path {
					t.Errorf("%s %s, want %s %s", r.Method, path, s.Request.Method, s.Request.Path)
				}
				body, _ := io.ReadAll(r.Body)
				if got := string(body); got != strings.ReplaceAll(s.Request.Body,
					"<Priority>8</Priority>", "") {
					t.Errorf("sent %s, want %s", got, s.Request.Body)
				}
				text := s.Response.Body
				if name == "receiveMessage" {
					text = "<Messages>" + text + "</Messages>"
				}
				return s.Response.Status, text
			})
			if err := call(c); err != nil {
				t.Error(err)
			}
		})
	}
	partial := samples["batchDeleteMessage"].Partial
	c := client(func(*http.Request) (int, string) { return partial.Status, partial.Body })
	if err := c.Delete(t.Context(), "wf-steps", "1-A", "1-B"); !errors.Is(err,
		mns.ErrHandleExpired) {
		t.Errorf("a batch of which one is gone: %v", err)
	}
}

func TestPartialSend(t *testing.T) {
	const text = `<Messages xmlns="http://mns.aliyuncs.com/doc/v1/">` +
		`<Message><MessageId>1</MessageId></Message>` +
		`<Message><ErrorCode>InternalServerError</ErrorCode><ErrorMessage>no</ErrorMessage>` +
		`</Message></Messages>`
	for _, status := range []int{201, 400, 500} {
		c := client(func(*http.Request) (int, string) { return status, text })
		failed, err := c.Send(t.Context(), "q", []mns.OutgoingMessage{{Body: "a"}, {Body: "b"}})
		if err != nil || len(failed) != 2 || failed[0] != nil ||
			mns.Code(failed[1]) != "InternalServerError" {
			t.Errorf("status %d: %v, %v", status, failed, err)
		}
		if _, err := c.Send(t.Context(), "q", []mns.OutgoingMessage{{Body: "a"}}); err == nil {
			t.Error("an answer with another number of parts is taken")
		}
	}
}

func TestBadAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		text   string
		want   string
	}{
		{200, "no XML", "cannot be read"},
		{200, "<Message></Message>", "cannot be read"},
		{200, "<Messages><Message>", "cannot be read"},
		{502, "<html>Bad gateway</html>", "Bad gateway"},
		{502, "", "status 502"},
		{
			403,
			"<Error><Code>AccessDenied</Code><Message>m</Message><RequestId>R2</RequestId></Error>",
			"AccessDenied (status 403, request R2): m",
		},
		{500, "<Messages></Messages>", "status 500"},
		{503, "\xff\xfe", "status 503, request R1"},
		{200, strings.Repeat("x", 9<<20), "longer than"},
	} {
		got, err := client(func(*http.Request) (int, string) { return c.status, c.text }).Receive(
			t.Context(), "q", 16, time.Hour,
		)
		if err == nil || got != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d %.30q: %v, %v", c.status, c.text, got, err)
		}
	}
}

// TestCredentials: the client fetches credentials for each request, so that they can rotate.
func TestCredentials(t *testing.T) {
	var seen []string
	c := client(func(r *http.Request) (int, string) {
		seen = append(seen,
			r.Header.Get("Security-Token")+" "+strings.Split(r.Header.Get("Authorization"), ":")[0])
		return 204, ""
	})
	var next alibaba.Credentials
	var err error
	c.Credentials = func(context.Context) (alibaba.Credentials, error) { return next, err }
	call := func() error { return c.Delete(t.Context(), "q", "1-A") }
	if err := call(); !errors.Is(err, mns.ErrCredentials) {
		t.Error(err)
	}
	for _, next = range []alibaba.Credentials{
		{AccessKeyID: "A", AccessKeySecret: "s"},
		{AccessKeyID: "B", AccessKeySecret: "s", SecurityToken: "token"},
	} {
		if err := call(); err != nil {
			t.Error(err)
		}
	}
	if err = errors.New("none today"); !errors.Is(call(), err) ||
		!errors.Is(call(), mns.ErrCredentials) {
		t.Error("the provider's error is lost")
	}
	c.Credentials = nil
	if err := call(); !errors.Is(err, mns.ErrCredentials) {
		t.Error(err)
	}
	if got := strings.Join(seen, ","); got != " MNS A,token MNS B" {
		t.Errorf("requests of %q", got)
	}
}

// FuzzAnswer: no response makes the client panic.
func FuzzAnswer(f *testing.F) {
	var samples map[string]sample
	load(f, "samples.json", &samples)
	for _, s := range samples {
		f.Add(s.Response.Status, s.Response.Body)
		f.Add(s.Partial.Status, s.Partial.Body)
	}
	f.Add(500, "<Messages><Message/></Messages>")
	f.Fuzz(func(t *testing.T, status int, text string) {
		c := client(func(*http.Request) (int, string) { return status, text })
		if got, err := c.Receive(t.Context(), "q", 16, 0); err != nil && got != nil {
			t.Error("messages and an error")
		}
		if failed, err := c.Send(t.Context(), "q", make([]mns.OutgoingMessage, 2)); err == nil &&
			failed != nil && len(failed) != 2 {
			t.Error("not an error for each message")
		}
		c.Delete(t.Context(), "q", "a", "b")
		c.ChangeVisibility(t.Context(), "q", "a", time.Second)
	})
}
