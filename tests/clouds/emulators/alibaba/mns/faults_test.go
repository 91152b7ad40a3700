package mns_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

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
		c.want(0, "", "POST", "/queues/q/messages",
			"<Message><MessageBody>taken</MessageBody></Message>")
		if got := s.Bodies("q"); got[len(got)-1] != "taken" || time.Since(began) != time.Second {
			t.Error(got)
		}
		s.SetFaults(mns.Faults{})
		s.SetHook(func(call mns.Call) mns.Fault {
			return map[string]mns.Fault{
				"ReceiveMessage":   mns.LoseCall,
				"PeekMessage":      mns.Deny,
				"BatchSendMessage": mns.PartialSend,
			}[call.Op]
		})
		c.want(0, "", "GET", "/queues/q/messages", "")
		c.want(403, "AccessDenied", "GET", "/queues/q/messages?peekonly=true", "")
		three := strings.Repeat("<Message><MessageBody>x</MessageBody></Message>", 3)
		text := c.want(500, "", "POST", "/queues/q/messages", "<Messages>"+three+"</Messages>")
		if strings.Count(text, "<ErrorCode>") != 2 {
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

// TestManyClients: while many clients send, receive and delete, each message is received exactly
// once.
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
