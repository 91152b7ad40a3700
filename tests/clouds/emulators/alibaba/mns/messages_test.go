package mns_test

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

// TestDelay: a delay of a week is exact to the second, and a delayed message can be deleted before
// it is due.
func TestDelay(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.want(204, "", "PUT", "/queues/q?metaoverride=true",
			"<Queue><MessageRetentionPeriod>604800</MessageRetentionPeriod></Queue>")
		c.send("week", 604800)
		c.send("late", 10)
		time.Sleep(9 * time.Second)
		if got := c.receive(0); got != nil {
			t.Error(got)
		}
		began := time.Now()
		if got := c.receive(30); len(got) != 1 || got[0].Body != "late" ||
			time.Since(began) != time.Second {
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
		if len(second) != 1 || second[0].ID != first[0].ID || second[0].Count != 2 ||
			second[0].H == first[0].H {
			t.Fatal(second)
		}
		c.want(404, "MessageNotExist", "DELETE", "/queues/q/messages?ReceiptHandle="+first[0].H, "")
		var changed struct{ ReceiptHandle string }
		text := c.want(200, "", "PUT",
			"/queues/q/messages?ReceiptHandle="+second[0].H+"&VisibilityTimeout=43200", "")
		if err := xml.Unmarshal([]byte(text), &changed); err != nil {
			t.Fatal(err)
		}
		c.want(404, "MessageNotExist", "PUT",
			"/queues/q/messages?ReceiptHandle="+second[0].H+"&VisibilityTimeout=1", "")
		time.Sleep(43199 * time.Second)
		c.want(204, "", "DELETE", "/queues/q/messages?ReceiptHandle="+changed.ReceiptHandle, "")
		if len(s.Bodies("q")) != 0 {
			t.Error(s.Bodies("q"))
		}
	})
}

// TestShortenedVisibility: a shorter visibility timeout wakes receivers that already wait for the
// message.
func TestShortenedVisibility(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.send("a", 0)
		got := c.receive(0)
		again := make(chan []in)
		began := time.Now()
		go func() { again <- c.receive(29) }()
		synctest.Wait()
		c.want(200, "", "PUT",
			"/queues/q/messages?ReceiptHandle="+got[0].H+"&VisibilityTimeout=1", "")
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
		c.want(204, "", "PUT", "/queues/q?metaoverride=true",
			"<Queue><PollingWaitSeconds>7</PollingWaitSeconds></Queue>")
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
		c.want(204, "", "PUT", "/queues/q?metaoverride=true",
			"<Queue><MessageRetentionPeriod>60</MessageRetentionPeriod></Queue>")
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

// FuzzSend: no body of a send crashes the server, and a received message has the body that was
// sent.
func FuzzSend(f *testing.F) {
	for _, seed := range []string{"", "<Message><MessageBody>x</MessageBody></Message>",
		"<Messages><Message><MessageBody>&lt;&#x1F600;</MessageBody></Message></Messages>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><Message><MessageBody>&b;</MessageBody></Message>",
		"<Message><MessageBody><![CDATA[<x>]]></MessageBody></Message>",
		strings.Repeat("<a>", 20000), "<Queue><DelaySeconds>9</DelaySeconds></Queue>",
		"<ReceiptHandles><ReceiptHandle>1-A</ReceiptHandle></ReceiptHandles>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := mns.New(mns.Options{})
		s.CreateQueue("q")
		c := newCaller(t, s)
		status, text := c.do("POST", "/queues/q/messages", body)
		kept := s.Bodies("q")
		if status/100 == 2 != (len(kept) > 0) ||
			status/100 != 2 && !strings.Contains(text, "<Code>") {
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
