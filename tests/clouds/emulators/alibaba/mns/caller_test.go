package mns_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

// caller makes signed calls without the product's client.
type caller struct {
	t       testing.TB
	server  *mns.Server
	host    string
	id      string
	secret  string
	headers map[string]string
}

func newCaller(t testing.TB, s *mns.Server) *caller {
	return &caller{
		t:      t,
		server: s,
		host:   mns.AccountID + ".mns." + mns.Region + ".aliyuncs.com",
		id:     mns.AccessKeyID,
		secret: mns.AccessKeySecret,
	}
}

// do makes a call and returns status and body; status 0 for a closed connection.
func (c *caller) do(method, resource, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequest(method, "http://"+c.host+resource, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("x-mns-version", "2015-06-06")
	for name, value := range c.headers {
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
	if _, ok := c.headers["Authorization"]; !ok {
		r.Header.Set("Authorization",
			"MNS "+c.id+":"+mns.Sign(c.secret, method, resource, r.Header))
	}
	answer, err := c.server.Transport().RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// want expects a status, and an error code of the service if the status is an error.
func (c *caller) want(status int, code, method, resource, body string) string {
	c.t.Helper()
	got, text := c.do(method, resource, body)
	if got != status || code != "" && !strings.Contains(text, "<Code>"+code+"</Code>") {
		c.t.Errorf("%s %s %.80s: %d %s, want %d %s", method, resource, body, got,
			text, status, code)
	}
	return text
}

type in struct {
	ID    string `xml:"MessageId"`
	Body  string `xml:"MessageBody"`
	Count int    `xml:"DequeueCount"`
	H     string `xml:"ReceiptHandle"`
}

// receive receives up to 16 messages of q.
func (c *caller) receive(wait int) []in {
	c.t.Helper()
	status, text := c.do("GET",
		fmt.Sprintf("/queues/q/messages?numOfMessages=16&waitseconds=%d", wait), "")
	if status == 404 && strings.Contains(text, "MessageNotExist") {
		return nil
	}
	var d struct{ Message []in }
	if err := xml.Unmarshal([]byte(text), &d); err != nil || status != 200 {
		c.t.Fatalf("%d %s", status, text)
	}
	return d.Message
}

func (c *caller) send(body string, delay int) {
	c.t.Helper()
	c.want(201, "", "POST", "/queues/q/messages",
		fmt.Sprintf("<Message><MessageBody>%s</MessageBody>"+
			"<DelaySeconds>%d</DelaySeconds></Message>", body, delay))
}

// bubble runs f in a synctest bubble with a server that has the queue q.
func bubble(t *testing.T, f func(t *testing.T, s *mns.Server, c *caller)) {
	synctest.Test(t, func(t *testing.T) {
		s := mns.New(mns.Options{})
		s.CreateQueue("q")
		f(t, s, newCaller(t, s))
	})
}
