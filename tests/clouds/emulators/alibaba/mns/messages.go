package mns

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// number parses an integer within limits. It returns missing if text is nil.
func number(name string, text *string, low, high, missing int64) (int64, *apiError) {
	if text == nil {
		return missing, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(*text), 10, 64)
	if err != nil {
		return 0, notInSchema(name)
	}
	if n < low || n > high {
		return 0, outOfRange(name, low, high)
	}
	return n, nil
}

// message converts a sent message.
func (m *sent) message(q *queue, now time.Time) (*message, *apiError) {
	if m.Body == nil {
		return nil, notInSchema("MessageBody")
	}
	if n := int64(len(*m.Body)); n < 1 || n > q.size {
		return nil, outOfRange("MessageBody", 1, q.size)
	}
	delay, bad := number("DelaySeconds", m.Delay, 0, delayMax, q.delay)
	if bad != nil {
		return nil, bad
	}
	priority, bad := number("Priority", m.Priority, 0, 16, 8)
	if bad != nil {
		return nil, bad
	}
	if priority == 0 { // the official Go client sends 0 for "none"
		priority = 8
	}
	return &message{
		body:     *m.Body,
		digest:   digest(*m.Body),
		priority: priority,
		enqueued: now,
		at:       now.Add(time.Duration(delay) * time.Second),
	}, nil
}

func (c *call) send(w http.ResponseWriter) *apiError {
	list, batch, bad := decodeSend(c.body)
	if bad != nil {
		return bad
	}
	if batch && (len(list) == 0 || len(list) > batchMax) {
		return &apiError{400, "InvalidArgument",
			fmt.Sprintf("The number of messages should between 1 and %d.", batchMax)}
	}
	var answers []sentAnswer
	bad = c.with(func(q *queue) (bad *apiError) {
		answers, bad = c.accept(q, list)
		return bad
	})
	switch {
	case bad != nil:
		return bad
	case !batch:
		writeXML(w, http.StatusCreated, sentOne{sentAnswer: answers[0]})
	case slices.ContainsFunc(answers, func(a sentAnswer) bool { return a.ErrorCode != "" }):
		writeXML(w, http.StatusInternalServerError, sentMany{Messages: answers})
	default:
		writeXML(w, http.StatusCreated, sentMany{Messages: answers})
	}
	return nil
}

// accept stores the messages: all of them, or none if the request has an error.
func (c *call) accept(q *queue, list []sent) ([]sentAnswer, *apiError) {
	now := c.s.now()
	var all []*message
	total := 0
	for i := range list {
		m, bad := list[i].message(q, now)
		if bad != nil {
			return nil, bad
		}
		all = append(all, m)
		total += len(m.body)
	}
	if total > sizeMax {
		return nil, outOfRange("MessageBody", 1, sizeMax)
	}
	var answers []sentAnswer
	for i, m := range all {
		if c.fault == PartialSend && i > 0 {
			answers = append(answers,
				sentAnswer{ErrorCode: "InternalServerError", ErrorMessage: "Internal error."})
			continue
		}
		answers = append(answers, c.s.accept(q, m, now))
	}
	q.wake()
	return answers, nil
}

// accept stores one message. A delayed one gets a handle, so that it can be deleted before it is
// due.
func (s *Server) accept(q *queue, m *message, now time.Time) sentAnswer {
	m.serial = s.next()
	m.id = fmt.Sprintf("%016X-2-%X", m.serial, now.UnixMilli())
	if m.at.After(now) {
		m.handle = newHandle(m, s.next())
	}
	if !s.chance(s.faults.Lose) {
		q.put(m, now)
		if m.handle != "" {
			q.handles[m.handle] = m
		}
	}
	return sentAnswer{ID: m.id, Digest: m.digest, Handle: m.handle}
}

// count returns how many messages the request asks for.
func (c *call) count() (n int, bad *apiError) {
	if !c.query.Has("numofmessages") {
		return 1, nil
	}
	n, err := strconv.Atoi(c.query.Get("numofmessages"))
	if err != nil {
		return 0, badQuery("numOfMessages")
	}
	if n < 1 || n > batchMax {
		return 0, outOfRange("numOfMessages", 1, batchMax)
	}
	return n, nil
}

// wait returns how long a receive waits; negative for the queue's default.
func (c *call) wait() (time.Duration, *apiError) {
	if !c.query.Has("waitseconds") {
		return -1, nil
	}
	n, err := strconv.Atoi(c.query.Get("waitseconds"))
	if err != nil {
		return 0, badQuery("waitseconds")
	}
	if n < 0 || n > waitMax {
		return 0, outOfRange("waitseconds", 0, waitMax)
	}
	return time.Duration(n) * time.Second, nil
}

// receive returns visible messages. If there is none, it waits.
func (c *call) receive(w http.ResponseWriter) *apiError {
	n, bad := c.count()
	if bad != nil {
		return bad
	}
	wait, bad := c.wait()
	if bad != nil {
		return bad
	}
	began := time.Now()
	for {
		var got []received
		var changed chan struct{}
		var next time.Duration
		bad := c.with(func(q *queue) *apiError {
			if wait < 0 {
				wait = time.Duration(q.polling) * time.Second
			}
			got, changed, next = c.s.receive(q, n), q.changed, q.next(c.s.now())
			return nil
		})
		if bad != nil {
			return bad
		}
		if len(got) > 0 {
			c.answer(w, got)
			return nil
		}
		left := wait - time.Since(began)
		if left <= 0 || !c.pause(changed, min(left, next)) {
			return messageNotExist
		}
	}
}

// pause waits for a change, at most atMost. It returns false if the client has disconnected.
func (c *call) pause(changed <-chan struct{}, atMost time.Duration) bool {
	t := time.NewTimer(atMost)
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-c.r.Context().Done():
		return false
	}
	return true
}

// next returns how long it takes until a hidden message becomes visible.
func (q *queue) next(now time.Time) time.Duration {
	if len(q.hidden.list) == 0 {
		return waitMax * time.Second
	}
	return max(q.hidden.list[0].at.Sub(now), time.Millisecond)
}

// receive returns up to n visible messages and hides them. The caller holds mu.
func (s *Server) receive(q *queue, n int) (got []received) {
	now := s.now()
	q.refresh(now)
	var again []*message
	for len(got) < n && len(q.visible.list) > 0 {
		m := q.visible.list[0]
		if s.chance(s.faults.Reorder) {
			m = q.visible.list[s.random.IntN(len(q.visible.list))]
		}
		if m.received++; m.received == 1 {
			m.first = now
		}
		q.hide(m, now, now.Add(time.Duration(q.visibility)*time.Second), s.next())
		got = append(got, m.shown())
		if s.chance(s.faults.Duplicate) {
			twin := *m
			twin.handle, twin.at = "", now
			again = append(again, &twin)
		}
	}
	for _, m := range again {
		q.put(m, now)
		q.wake()
	}
	return got
}

// shown returns a message as a receive shows it.
func (m *message) shown() received {
	return received{
		ID:       m.id,
		Handle:   m.handle,
		Digest:   m.digest,
		Body:     m.body,
		Enqueued: m.enqueued.UnixMilli(),
		Next:     m.at.UnixMilli(),
		First:    m.first.UnixMilli(),
		Count:    m.received,
		Priority: m.priority,
	}
}

func (c *call) answer(w http.ResponseWriter, got []received) {
	if c.query.Has("numofmessages") {
		writeXML(w, http.StatusOK, receivedMany{Messages: got})
		return
	}
	writeXML(w, http.StatusOK, receivedOne{received: got[0]})
}

// peek returns visible messages without changing them.
func (c *call) peek(w http.ResponseWriter) *apiError {
	n, bad := c.count()
	if bad != nil {
		return bad
	}
	var got []received
	bad = c.with(func(q *queue) *apiError {
		q.refresh(c.s.now())
		list := slices.SortedFunc(slices.Values(q.visible.list), func(a, b *message) int {
			if q.visible.less(a, b) {
				return -1
			}
			return 1
		})
		for _, m := range list[:min(n, len(list))] {
			shown := m.shown()
			shown.Handle, shown.Next = "", 0
			if m.received == 0 {
				shown.First = m.enqueued.UnixMilli()
			}
			got = append(got, shown)
		}
		return nil
	})
	switch {
	case bad != nil:
		return bad
	case len(got) == 0:
		return messageNotExist
	}
	c.answer(w, got)
	return nil
}

func (c *call) deleteMessage(w http.ResponseWriter) *apiError {
	handle := c.query.Get("receipthandle")
	if handle == "" {
		return missingHandle
	}
	return c.with(func(q *queue) *apiError {
		m, bad := q.find(handle, c.s.now())
		if bad != nil {
			return bad
		}
		q.remove(m)
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

func (c *call) deleteMessages(w http.ResponseWriter) *apiError {
	var b handlesBody
	if bad := decode(c.body, &b); bad != nil {
		return bad
	}
	if len(b.Handles) == 0 {
		return missingHandle
	}
	if len(b.Handles) > batchMax {
		return &apiError{400, "InvalidArgument",
			fmt.Sprintf("The number of receipt handles should between 1 and %d.", batchMax)}
	}
	var failed deleteErrors
	bad := c.with(func(q *queue) *apiError {
		for _, handle := range b.Handles {
			m, bad := q.find(strings.TrimSpace(handle), c.s.now())
			if bad != nil {
				failed.Errors = append(failed.Errors, deleteError{bad.code, bad.message, handle})
				continue
			}
			q.remove(m)
		}
		return nil
	})
	switch {
	case bad != nil:
		return bad
	case len(failed.Errors) > 0:
		writeXML(w, http.StatusNotFound, failed)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func (c *call) changeVisibility(w http.ResponseWriter) *apiError {
	handle := c.query.Get("receipthandle")
	switch {
	case handle == "":
		return missingHandle
	case !c.query.Has("visibilitytimeout"):
		return missingVisibility
	}
	n, err := strconv.ParseInt(c.query.Get("visibilitytimeout"), 10, 64)
	if err != nil {
		return badQuery("visibilityTimeout")
	}
	if n < 1 || n > visibilityMax {
		return outOfRange("visibilityTimeout", 1, visibilityMax)
	}
	var a visibilityAnswer
	bad := c.with(func(q *queue) *apiError {
		now := c.s.now()
		m, bad := q.find(handle, now)
		if bad != nil {
			return bad
		}
		q.hide(m, now, now.Add(time.Duration(n)*time.Second), c.s.next())
		q.wake() // receivers wait for the message's earlier time
		a = visibilityAnswer{Handle: m.handle, Next: m.at.UnixMilli()}
		return nil
	})
	if bad == nil {
		writeXML(w, http.StatusOK, a)
	}
	return bad
}
