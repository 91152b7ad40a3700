package mns_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

func TestCounts(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		c.send("a", 0)
		c.send("b", 0)
		c.send("c", 60)
		c.do("GET", "/queues/q/messages", "")
		if active, inactive, delayed := s.Counts("q"); active != 1 || inactive != 1 ||
			delayed != 1 {
			t.Errorf("%d active, %d inactive, %d delayed", active, inactive, delayed)
		}
		if active, inactive, delayed := s.Counts("none"); active+inactive+delayed != 0 {
			t.Error("a queue that is not there has messages")
		}
		s.Advance(time.Hour) // the queue's clock, not the caller's
		c.send("d", 0)
		if active, _, delayed := s.Counts("q"); active != 4 || delayed != 0 {
			t.Errorf("an hour later: %d active, %d delayed", active, delayed)
		}
	})
}

func TestQueueLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mns.New(mns.Options{NameRest: time.Minute})
		c := newCaller(t, s)
		const body = "<Queue><DelaySeconds>1</DelaySeconds>" +
			"<LoggingEnabled>True</LoggingEnabled></Queue>"
		c.want(201, "", "PUT", "/queues/a", body)
		c.want(204, "", "PUT", "/queues/a", body)
		c.want(409, "QueueAlreadyExist", "PUT", "/queues/a", "")
		c.want(204, "", "PUT", "/queues/a?metaOverride=true",
			"<Queue><PollingWaitSeconds>3</PollingWaitSeconds></Queue>")
		shown := c.want(200, "", "GET", "/queues/a", "")
		if !strings.Contains(shown, "<PollingWaitSeconds>3</PollingWaitSeconds>") ||
			!strings.Contains(shown, "<DelaySeconds>1</DelaySeconds>") {
			t.Error(shown)
		}
		c.want(204, "", "DELETE", "/queues/a", "")
		c.want(404, "QueueNotExist", "GET", "/queues/a", "")
		c.want(400, "QueueDeletedRecently", "PUT", "/queues/a", "")
		time.Sleep(time.Minute)
		c.want(201, "", "PUT", "/queues/a", "")
		for i := range 5 {
			s.CreateQueue(fmt.Sprint("b", i))
		}
		c.headers = map[string]string{
			"x-mns-prefix":     "b",
			"x-mns-ret-number": "3",
			"x-mns-with-meta":  "true",
		}
		text := c.want(200, "", "GET", "/queues", "")
		if strings.Count(text, "<Queue>") != 3 ||
			!strings.Contains(text, "<NextMarker>b3</NextMarker>") ||
			!strings.Contains(text, "<QueueName>b1</QueueName>") {
			t.Error(text)
		}
		c.headers["x-mns-marker"] = "b3"
		if text := c.want(200, "", "GET", "/queues", ""); strings.Count(text, "<Queue>") != 2 ||
			strings.Contains(text, "NextMarker") {
			t.Error(text)
		}
		c.headers["x-mns-ret-number"] = "1001"
		c.want(400, "InvalidArgument", "GET", "/queues", "")
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
		for _, want := range []string{"<InactiveMessages>1<", "<ActiveMessages>2<",
			"<DelayMessages>1<"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is not in %s", want, text)
			}
		}
	})
}
