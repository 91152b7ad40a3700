package mns_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/tests/emulators/mns"
)

// caller makes signed calls, written without the product's client.
type caller struct {
	t       testing.TB
	server  *mns.Server
	host    string
	id      string
	secret  string
	headers map[string]string
}

func newCaller(t testing.TB, s *mns.Server) *caller {
	return &caller{t: t, server: s, host: mns.AccountID + ".mns." + mns.Region + ".aliyuncs.com", id: mns.AccessKeyID, secret: mns.AccessKeySecret}
}

// do calls and returns status and body; status 0 for a connection that was closed.
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
		r.Header.Set("Authorization", "MNS "+c.id+":"+mns.Sign(c.secret, method, resource, r.Header))
	}
	answer, err := c.server.Transport().RoundTrip(r)
	if err != nil {
		return 0, err.Error()
	}
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// want expects a status, and a code of the service where the status is an error.
func (c *caller) want(status int, code, method, resource, body string) string {
	c.t.Helper()
	got, text := c.do(method, resource, body)
	if got != status || code != "" && !strings.Contains(text, "<Code>"+code+"</Code>") {
		c.t.Errorf("%s %s %.80s: %d %s, want %d %s", method, resource, body, got, text, status, code)
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
	status, text := c.do("GET", fmt.Sprintf("/queues/q/messages?numOfMessages=16&waitseconds=%d", wait), "")
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
	c.want(201, "", "POST", "/queues/q/messages", fmt.Sprintf("<Message><MessageBody>%s</MessageBody><DelaySeconds>%d</DelaySeconds></Message>", body, delay))
}

// bubble runs f in a bubble with a server that has the queue q.
func bubble(t *testing.T, f func(t *testing.T, s *mns.Server, c *caller)) {
	synctest.Test(t, func(t *testing.T) {
		s := mns.New(mns.Options{})
		s.CreateQueue("q")
		f(t, s, newCaller(t, s))
	})
}

func TestCounts(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.send("a", 0)
		c.send("b", 0)
		c.send("c", 60)
		c.do("GET", "/queues/q/messages", "")
		if active, inactive, delayed := s.Counts("q"); active != 1 || inactive != 1 || delayed != 1 {
			t.Errorf("%d active, %d inactive, %d delayed", active, inactive, delayed)
		}
		if active, inactive, delayed := s.Counts("none"); active+inactive+delayed != 0 {
			t.Error("a queue that is not there has messages")
		}
		s.Advance(time.Hour) // of the queue, not of who calls
		c.send("d", 0)
		if active, _, delayed := s.Counts("q"); active != 4 || delayed != 0 {
			t.Errorf("an hour later: %d active, %d delayed", active, delayed)
		}
	})
}

func TestSignVector(t *testing.T) {
	text, err := os.ReadFile("testdata/signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ AccessKeySecret, ContentMD5, Method, Resource, Signature string }
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	h := http.Header{"Content-Md5": {v.ContentMD5}, "Content-Type": {"application/xml"}, "Date": {"Sat, 22 Nov 2025 10:00:00 GMT"}, "X-Mns-Version": {"2015-06-06"}}
	if got := mns.Sign(v.AccessKeySecret, v.Method, v.Resource, h); got != v.Signature {
		t.Errorf("got %s", got)
	}
}

func TestRefusals(t *testing.T) {
	s := mns.New(mns.Options{})
	s.CreateQueue("q")
	const good = "<Message><MessageBody>x</MessageBody></Message>"
	message := func(rest string) string { return "<Message><MessageBody>x</MessageBody>" + rest + "</Message>" }
	for _, c := range []struct {
		status                       int
		code, method, resource, body string
	}{
		{201, "", "POST", "/queues/q/messages", good},
		{201, "", "POST", "/queues/q/messages", `<?xml version="1.0"?><!-- c --><Message xmlns="http://mns.aliyuncs.com/doc/v1/"><Other>1</Other><MessageBody>x</MessageBody></Message> `},
		{404, "QueueNotExist", "POST", "/queues/nobody/messages", good},
		{400, "MalformedXML", "POST", "/queues/q/messages", "<Message>"},
		{400, "MalformedXML", "POST", "/queues/q/messages", ""},
		{400, "MalformedXML", "POST", "/queues/q/messages", good + good},
		{400, "MalformedXML", "POST", "/queues/q/messages", good + "text"},
		{400, "MalformedXML", "POST", "/queues/q/messages", "<Message><MessageBody>\x01</MessageBody></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Other/>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Message/>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Message><MessageBody/></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", message("<DelaySeconds>604801</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages", message("<DelaySeconds>-1</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages", message("<DelaySeconds>1.5</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages", message("<Priority>17</Priority>")},
		{201, "", "POST", "/queues/q/messages", message("<Priority>0</Priority><DelaySeconds>604800</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Messages/>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Messages>" + strings.Repeat(good, 17) + "</Messages>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Message><MessageBody>" + strings.Repeat("x", 65537) + "</MessageBody></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Message><MessageBody>" + strings.Repeat("x", 600000) + "</MessageBody></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Messages>" + strings.Repeat("<Message><MessageBody>"+strings.Repeat("x", 5000)+"</MessageBody></Message>", 16) + "</Messages>"},
		{400, "InvalidArgument", "GET", "/queues/q/messages?numOfMessages=17", ""},
		{400, "InvalidQueryString", "GET", "/queues/q/messages?numOfMessages=x", ""},
		{400, "InvalidQueryString", "GET", "/queues/q/messages?waitseconds=x", ""},
		{400, "InvalidArgument", "GET", "/queues/q/messages?waitseconds=31", ""},
		{400, "InvalidRequestURL", "GET", "/queues/q/messages?a=1;b=%zz", ""},
		{400, "MissingReceiptHandle", "DELETE", "/queues/q/messages", ""},
		{400, "MissingReceiptHandle", "DELETE", "/queues/q/messages", "<ReceiptHandles/>"},
		{400, "ReceiptHandleError", "DELETE", "/queues/q/messages?ReceiptHandle=nonsense", ""},
		{404, "MessageNotExist", "DELETE", "/queues/q/messages?ReceiptHandle=1-QQ==", ""},
		{400, "MissingReceiptHandle", "PUT", "/queues/q/messages?visibilityTimeout=1", ""},
		{400, "MissingVisibilityTimeout", "PUT", "/queues/q/messages?receiptHandle=1-QQ==", ""},
		{400, "InvalidArgument", "PUT", "/queues/q/messages?receiptHandle=1-QQ==&visibilityTimeout=0", ""},
		{405, "MethodNotAllowed", "PATCH", "/queues/q/messages", ""},
		{405, "MethodNotAllowed", "GET", "/other", ""},
		{405, "MethodNotAllowed", "PUT", "/topics", ""},
		{405, "MethodNotAllowed", "GET", "/topics/t/other", ""},
		{400, "InvalidQueueName", "PUT", "/queues/a_b", ""},
		{400, "QueueNameLengthError", "PUT", "/queues/" + strings.Repeat("a", 121), ""},
		{400, "InvalidArgument", "PUT", "/queues/a", "<Queue><MaximumMessageSize>1</MaximumMessageSize></Queue>"},
		{400, "InvalidArgument", "PUT", "/queues/a", "<Queue><LoggingEnabled>maybe</LoggingEnabled></Queue>"},
		{204, "", "DELETE", "/queues/nobody", ""},
	} {
		newCaller(t, s).want(c.status, c.code, c.method, c.resource, c.body)
	}
}

func TestAuthentication(t *testing.T) {
	s := mns.New(mns.Options{})
	s.SetKeys(map[string]mns.Key{"AK": {Secret: "s"}, "STS": {Secret: "s", Token: "t"}, "OLD": {Secret: "s", Token: "t", Expires: time.Now()}})
	s.CreateQueue("q")
	day := time.Now().UTC().Add(-16 * time.Minute).Format(http.TimeFormat)
	for _, c := range []struct {
		id, host string
		headers  map[string]string
		status   int
		code     string
	}{
		{"AK", "", nil, 200, ""},
		{"AK", "127.0.0.1:80", nil, 200, ""},
		{"AK", "999.mns.cn-hangzhou.aliyuncs.com", nil, 403, "AccessDenied"},
		{"AK", "", map[string]string{"security-token": "t"}, 403, "InvalidSecurityToken"},
		{"STS", "", map[string]string{"security-token": "t"}, 200, ""},
		{"STS", "", nil, 403, "InvalidSecurityToken"},
		{"OLD", "", map[string]string{"security-token": "t"}, 403, "SecurityTokenExpired"},
		{"nobody", "", nil, 403, "InvalidAccessKeyId"},
		{"AK", "", map[string]string{"Authorization": "MNS AK:xx"}, 403, "SignatureDoesNotMatch"},
		{"AK", "", map[string]string{"Authorization": "AK"}, 400, "InvalidAuthorizationHeader"},
		{"AK", "", map[string]string{"Authorization": ""}, 400, "MissingAuthorizationHeader"},
		{"AK", "", map[string]string{"Date": ""}, 400, "MissingDateHeader"},
		{"AK", "", map[string]string{"Date": "today"}, 400, "InvalidDateHeader"},
		{"AK", "", map[string]string{"Date": day}, 408, "TimeExpired"},
		{"AK", "", map[string]string{"Date": "", "x-mns-date": time.Now().UTC().Format(http.TimeFormat)}, 200, ""},
		{"AK", "", map[string]string{"x-mns-version": ""}, 400, "MissingVersionHeader"},
		{"AK", "", map[string]string{"x-mns-version": "1"}, 400, "InvalidVersionHeader"},
		{"AK", "", map[string]string{"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, 200, ""},
		{"AK", "", map[string]string{"Content-MD5": "xx"}, 400, "InvalidDegist"},
	} {
		caller := newCaller(t, s)
		caller.id, caller.secret, caller.headers = c.id, "s", c.headers
		if c.host != "" {
			caller.host = c.host
		}
		caller.want(c.status, c.code, "GET", "/queues/q", "")
	}
}

func TestQueueLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mns.New(mns.Options{NameRest: time.Minute})
		c := newCaller(t, s)
		const body = "<Queue><DelaySeconds>1</DelaySeconds><LoggingEnabled>True</LoggingEnabled></Queue>"
		c.want(201, "", "PUT", "/queues/a", body)
		c.want(204, "", "PUT", "/queues/a", body)
		c.want(409, "QueueAlreadyExist", "PUT", "/queues/a", "")
		c.want(204, "", "PUT", "/queues/a?metaOverride=true", "<Queue><PollingWaitSeconds>3</PollingWaitSeconds></Queue>")
		if text := c.want(200, "", "GET", "/queues/a", ""); !strings.Contains(text, "<PollingWaitSeconds>3</PollingWaitSeconds>") || !strings.Contains(text, "<DelaySeconds>1</DelaySeconds>") {
			t.Error(text)
		}
		c.want(204, "", "DELETE", "/queues/a", "")
		c.want(404, "QueueNotExist", "GET", "/queues/a", "")
		c.want(400, "QueueDeletedRecently", "PUT", "/queues/a", "")
		time.Sleep(time.Minute)
		c.want(201, "", "PUT", "/queues/a", "")
		for i := range 5 {
			s.CreateQueue(fmt.Sprint("b", i))
		}
		c.headers = map[string]string{"x-mns-prefix": "b", "x-mns-ret-number": "3", "x-mns-with-meta": "true"}
		text := c.want(200, "", "GET", "/queues", "")
		if strings.Count(text, "<Queue>") != 3 || !strings.Contains(text, "<NextMarker>b3</NextMarker>") || !strings.Contains(text, "<QueueName>b1</QueueName>") {
			t.Error(text)
		}
		c.headers["x-mns-marker"] = "b3"
		if text := c.want(200, "", "GET", "/queues", ""); strings.Count(text, "<Queue>") != 2 || strings.Contains(text, "NextMarker") {
			t.Error(text)
		}
		c.headers["x-mns-ret-number"] = "1001"
		c.want(400, "InvalidArgument", "GET", "/queues", "")
	})
}

// A delay of a week is kept to the second, and a delayed message can be deleted before it is due.
func TestDelay(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.want(204, "", "PUT", "/queues/q?metaoverride=true", "<Queue><MessageRetentionPeriod>604800</MessageRetentionPeriod></Queue>")
		c.send("week", 604800)
		c.send("late", 10)
		time.Sleep(9 * time.Second)
		if got := c.receive(0); got != nil {
			t.Error(got)
		}
		began := time.Now()
		if got := c.receive(30); len(got) != 1 || got[0].Body != "late" || time.Since(began) != time.Second {
			t.Error(got, time.Since(began))
		}
		time.Sleep(604790 * time.Second)
		if got := c.receive(0); len(got) != 2 {
			t.Error(got)
		}
	})
}

func TestVisibility(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.send("a", 0)
		first := c.receive(0)
		if c.receive(29) != nil {
			t.Fatal("visible too early")
		}
		second := c.receive(30)
		if len(second) != 1 || second[0].ID != first[0].ID || second[0].Count != 2 || second[0].H == first[0].H {
			t.Fatal(second)
		}
		c.want(404, "MessageNotExist", "DELETE", "/queues/q/messages?ReceiptHandle="+first[0].H, "")
		var changed struct{ ReceiptHandle string }
		text := c.want(200, "", "PUT", "/queues/q/messages?ReceiptHandle="+second[0].H+"&VisibilityTimeout=43200", "")
		if err := xml.Unmarshal([]byte(text), &changed); err != nil {
			t.Fatal(err)
		}
		c.want(404, "MessageNotExist", "PUT", "/queues/q/messages?ReceiptHandle="+second[0].H+"&VisibilityTimeout=1", "")
		time.Sleep(43199 * time.Second)
		c.want(204, "", "DELETE", "/queues/q/messages?ReceiptHandle="+changed.ReceiptHandle, "")
		if len(s.Bodies("q")) != 0 {
			t.Error(s.Bodies("q"))
		}
	})
}

// A shorter visibility wakes those who wait for the message already.
func TestShortenedVisibility(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.send("a", 0)
		got := c.receive(0)
		again := make(chan []in)
		began := time.Now()
		go func() { again <- c.receive(29) }()
		synctest.Wait()
		c.want(200, "", "PUT", "/queues/q/messages?ReceiptHandle="+got[0].H+"&VisibilityTimeout=1", "")
		if m := <-again; len(m) != 1 || time.Since(began) != time.Second {
			t.Error(m, time.Since(began))
		}
	})
}

func TestLongPoll(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		began := time.Now()
		if c.receive(30) != nil || time.Since(began) != 30*time.Second {
			t.Error("waited ", time.Since(began))
		}
		for _, wake := range []func(){
			func() { c.send("x", 0) },
			func() { s.Advance(time.Hour) },
		} {
			c.send("later", 600)
			got := make(chan []in)
			go func() { got <- c.receive(30) }()
			synctest.Wait()
			time.Sleep(time.Second)
			c.headers = map[string]string{"Date": time.Now().UTC().Format(http.TimeFormat)}
			wake()
			if m := <-got; len(m) == 0 {
				t.Error("nothing")
			}
		}
	})
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.want(204, "", "PUT", "/queues/q?metaoverride=true", "<Queue><PollingWaitSeconds>7</PollingWaitSeconds></Queue>")
		began := time.Now()
		c.want(404, "MessageNotExist", "GET", "/queues/q/messages", "")
		if time.Since(began) != 7*time.Second {
			t.Error("waited ", time.Since(began))
		}
		gone := make(chan int)
		go func() {
			status, _ := c.do("GET", "/queues/q/messages?waitseconds=30", "")
			gone <- status
		}()
		synctest.Wait()
		newCaller(t, s).want(204, "", "DELETE", "/queues/q", "")
		if status := <-gone; status != 404 {
			t.Error(status)
		}
	})
}

func TestRetention(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.want(204, "", "PUT", "/queues/q?metaoverride=true", "<Queue><MessageRetentionPeriod>60</MessageRetentionPeriod></Queue>")
		c.send("old", 0)
		c.send("delayed", 120)
		time.Sleep(30 * time.Second)
		c.send("new", 0)
		time.Sleep(31 * time.Second)
		if got := s.Bodies("q"); len(got) != 1 || got[0] != "new" {
			t.Error(got)
		}
		time.Sleep(60 * time.Second)
		if c.receive(0) != nil {
			t.Error("an old message")
		}
	})
}

func TestAttributesCount(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.send("a", 0)
		c.receive(0)
		c.send("b", 0)
		c.send("c", 0)
		c.send("d", 5)
		text := c.want(200, "", "GET", "/queues/q", "")
		for _, want := range []string{"<InactiveMessages>1<", "<ActiveMessages>2<", "<DelayMessages>1<"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is not in %s", want, text)
			}
		}
	})
}

func TestFaults(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		s.SetFaults(mns.Faults{Duplicate: 1})
		c.send("twice", 0)
		a, b := c.receive(0), c.receive(0)
		if len(a) != 1 || len(b) != 1 || a[0].ID != b[0].ID || a[0].H == b[0].H {
			t.Error(a, b)
		}
		s.SetFaults(mns.Faults{Lose: 1})
		n := len(s.Bodies("q"))
		c.send("lost", 0)
		if len(s.Bodies("q")) != n {
			t.Error(s.Bodies("q"))
		}
		s.SetFaults(mns.Faults{Refuse: 1})
		c.want(500, "InternalError", "GET", "/queues/q/messages", "")
		s.SetFaults(mns.Faults{Throttle: 1})
		c.want(400, "QpsLimitExceeded", "GET", "/queues/q/messages", "")
		s.SetFaults(mns.Faults{LoseAnswer: 1, Latency: time.Second})
		began := time.Now()
		c.want(0, "", "POST", "/queues/q/messages", "<Message><MessageBody>taken</MessageBody></Message>")
		if got := s.Bodies("q"); got[len(got)-1] != "taken" || time.Since(began) != time.Second {
			t.Error(got)
		}
		s.SetFaults(mns.Faults{})
		s.SetHook(func(call mns.Call) mns.Fault {
			return map[string]mns.Fault{"ReceiveMessage": mns.LoseCall, "PeekMessage": mns.Deny, "BatchSendMessage": mns.PartialSend}[call.Op]
		})
		c.want(0, "", "GET", "/queues/q/messages", "")
		c.want(403, "AccessDenied", "GET", "/queues/q/messages?peekonly=true", "")
		if text := c.want(500, "", "POST", "/queues/q/messages", "<Messages>"+strings.Repeat("<Message><MessageBody>x</MessageBody></Message>", 3)+"</Messages>"); strings.Count(text, "<ErrorCode>") != 2 {
			t.Error(text)
		}
	})
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		s.SetFaults(mns.Faults{Seed: 1, Reorder: 1})
		for i := range 16 {
			c.send(fmt.Sprint(i), 0)
		}
		sorted := true
		for i, m := range c.receive(0) {
			sorted = sorted && m.Body == fmt.Sprint(i)
		}
		if sorted {
			t.Error("in order")
		}
	})
}

func TestTopics(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		const message = "<Message><MessageBody>a &lt; b</MessageBody><MessageTag>x</MessageTag></Message>"
		queue := "acs:mns:" + mns.Region + ":" + mns.AccountID + ":queues/"
		subscription := func(rest string) string { return "<Subscription>" + rest + "</Subscription>" }
		c.want(404, "TopicNotExist", "POST", "/topics/t/messages", message)
		c.want(400, "TopicNameInvalid", "PUT", "/topics/1t", "")
		c.want(400, "TopicNameLengthError", "PUT", "/topics/"+strings.Repeat("t", 121), "")
		c.want(201, "", "PUT", "/topics/t", "<Topic><LoggingEnabled>true</LoggingEnabled></Topic>")
		c.want(204, "", "PUT", "/topics/t", "<Topic><LoggingEnabled>true</LoggingEnabled></Topic>")
		c.want(409, "TopicAlreadyExist", "PUT", "/topics/t", "")
		c.want(204, "", "PUT", "/topics/t?metaoverride=true", "<Topic><MaximumMessageSize>1024</MaximumMessageSize></Topic>")
		if text := c.want(200, "", "GET", "/topics/t", ""); !strings.Contains(text, "<MaximumMessageSize>1024<") {
			t.Error(text)
		}
		c.want(400, "EndpointInvalid", "PUT", "/topics/t/subscriptions/s", subscription("<Endpoint>mail:x</Endpoint>"))
		c.want(400, "InvalidArgument", "PUT", "/topics/t/subscriptions/s", subscription("<Endpoint>http://h</Endpoint><NotifyContentFormat>YAML</NotifyContentFormat>"))
		c.want(400, "InvalidArgument", "PUT", "/topics/t/subscriptions/s", subscription("<Endpoint>http://h</Endpoint><NotifyStrategy>NEVER</NotifyStrategy>"))
		for name, rest := range map[string]string{"plain": "<NotifyContentFormat>SIMPLIFIED</NotifyContentFormat>", "json": "<NotifyContentFormat>JSON</NotifyContentFormat><FilterTag>x</FilterTag>",
			"xml": "", "other": "<FilterTag>y</FilterTag>"} {
			body := subscription("<Endpoint>" + queue + "q</Endpoint>" + rest)
			c.want(201, "", "PUT", "/topics/t/subscriptions/"+name, body)
			c.want(204, "", "PUT", "/topics/t/subscriptions/"+name, body)
		}
		c.want(201, "", "PUT", "/topics/t/subscriptions/web", subscription("<Endpoint>http://h/</Endpoint>"))
		c.want(409, "SubscriptionAlreadyExist", "PUT", "/topics/t/subscriptions/web", subscription("<Endpoint>http://h/2</Endpoint>"))
		if text := c.want(200, "", "GET", "/topics/t/subscriptions/json", ""); !strings.Contains(text, "<FilterTag>x<") || !strings.Contains(text, "<NotifyStrategy>BACKOFF_RETRY<") {
			t.Error(text)
		}
		c.headers = map[string]string{"x-mns-ret-number": "4"}
		if text := c.want(200, "", "GET", "/topics/t/subscriptions", ""); strings.Count(text, "<SubscriptionURL>") != 4 || !strings.Contains(text, "<NextMarker>xml<") {
			t.Error(text)
		}
		c.headers = nil
		c.want(201, "", "POST", "/topics/t/messages", message)
		c.want(400, "InvalidArgument", "POST", "/topics/t/messages", "<Message/>")
		c.want(400, "InvalidArgument", "POST", "/topics/t/messages", "<Message><MessageBody>"+strings.Repeat("x", 1025)+"</MessageBody></Message>")
		got := s.Bodies("q")
		if len(got) != 3 || !strings.Contains(got[0], `"Message":"a \u003c b"`) || got[1] != "a < b" || !strings.Contains(got[2], "<Message>a &lt; b</Message>") {
			t.Errorf("%q", got)
		}
		if p := s.Published("t"); len(p) != 1 || p[0] != "a < b" {
			t.Error(p)
		}
		c.want(204, "", "DELETE", "/topics/t/subscriptions/plain", "")
		c.want(404, "SubscriptionNotExist", "GET", "/topics/t/subscriptions/plain", "")
		c.want(204, "", "DELETE", "/topics/t", "")
		c.want(404, "TopicNotExist", "GET", "/topics/t", "")
	})
}

// Every message is received once by somebody while many send, receive and delete.
func TestManyClients(t *testing.T) {
	s := mns.New(mns.Options{})
	s.CreateQueue("q")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	seen := map[string]int{}
	var receivers, senders sync.WaitGroup
	for range 8 {
		receivers.Go(func() {
			c := newCaller(t, s)
			for ctx.Err() == nil {
				for _, m := range c.receive(0) {
					mu.Lock()
					seen[m.Body]++
					if len(seen) == 400 {
						cancel()
					}
					mu.Unlock()
					c.want(204, "", "DELETE", "/queues/q/messages?ReceiptHandle="+m.H, "")
				}
			}
		})
	}
	for i := range 4 {
		senders.Go(func() {
			c := newCaller(t, s)
			for j := range 100 {
				c.send(fmt.Sprint(i, "-", j), 0)
			}
		})
	}
	senders.Wait()
	receivers.Wait()
	for body, n := range seen {
		if n != 1 {
			t.Errorf("%s: %d times", body, n)
		}
	}
}

// FuzzSend: no body of a send makes the server fall over, and what it takes it gives back as it was.
func FuzzSend(f *testing.F) {
	for _, seed := range []string{"", "<Message><MessageBody>x</MessageBody></Message>", "<Messages><Message><MessageBody>&lt;&#x1F600;</MessageBody></Message></Messages>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><Message><MessageBody>&b;</MessageBody></Message>", "<Message><MessageBody><![CDATA[<x>]]></MessageBody></Message>",
		strings.Repeat("<a>", 20000), "<Queue><DelaySeconds>9</DelaySeconds></Queue>", "<ReceiptHandles><ReceiptHandle>1-A</ReceiptHandle></ReceiptHandles>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := mns.New(mns.Options{})
		s.CreateQueue("q")
		c := newCaller(t, s)
		status, text := c.do("POST", "/queues/q/messages", body)
		kept := s.Bodies("q")
		if status/100 == 2 != (len(kept) > 0) || status/100 != 2 && !strings.Contains(text, "<Code>") {
			t.Fatalf("%d %s, kept %q", status, text, kept)
		}
		for _, m := range c.receive(0) {
			if !slices.Contains(kept, m.Body) {
				t.Fatalf("received %q, sent %q", m.Body, kept)
			}
		}
		c.do("PUT", "/queues/q?metaoverride=true", body)
		c.do("PUT", "/queues/r", body)
		c.do("DELETE", "/queues/q/messages", body)
		c.do("PUT", "/topics/t", "")
		c.do("POST", "/topics/t/messages", body)
		c.do("PUT", "/topics/t/subscriptions/s", body)
	})
}
