package mns

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func checkName(name string) *apiError {
	if len(name) > nameMax {
		return queueNameLength
	}
	for i, r := range name {
		alphabetic := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !alphabetic && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return invalidQueueName
		}
	}
	return nil
}

// wanted returns a with the attributes that the request sets.
func (c *call) wanted(a attributes) (attributes, *apiError) {
	if len(c.body) == 0 {
		return a, nil
	}
	var b queueBody
	if bad := decode(c.body, &b); bad != nil {
		return a, bad
	}
	return a, b.apply(&a)
}

func (c *call) createQueue(w http.ResponseWriter) *apiError {
	a, bad := c.wanted(defaultAttributes())
	if bad == nil {
		bad = checkName(c.queue)
	}
	if bad != nil {
		return bad
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if q := s.queues[c.queue]; q != nil {
		if q.attributes != a {
			return queueAlreadyExist
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if at, ok := s.deleted[c.queue]; ok && now.Sub(at) < s.nameRest {
		return queueDeletedRecently
	}
	delete(s.deleted, c.queue)
	s.queues[c.queue] = newQueue(c.queue, a, now)
	w.Header().Set("Location", c.url(c.queue))
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (c *call) url(queue string) string { return "http://" + c.r.Host + "/queues/" + queue }

func (c *call) setAttributes(w http.ResponseWriter) *apiError {
	return c.with(func(q *queue) *apiError {
		a, bad := c.wanted(q.attributes)
		if bad != nil {
			return bad
		}
		q.attributes, q.modified = a, c.s.now()
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

func (c *call) getAttributes(w http.ResponseWriter) *apiError {
	var m queueMeta
	bad := c.with(func(q *queue) *apiError {
		m = q.meta(c.s.now())
		return nil
	})
	if bad == nil {
		writeXML(w, http.StatusOK, m)
	}
	return bad
}

// deleteQueue deletes a queue. A missing queue is no error.
func (c *call) deleteQueue(w http.ResponseWriter) *apiError {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[c.queue]; q != nil {
		delete(s.queues, c.queue)
		s.deleted[c.queue] = s.now()
		q.wake()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// with runs f with the queue of the call, under the server's lock.
func (c *call) with(f func(*queue) *apiError) *apiError {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	q := c.s.queues[c.queue]
	if q == nil {
		return queueNotExist
	}
	return f(q)
}

// page returns the names that a list asks for, in order, and the first name of the next page.
func (c *call) page(names []string) (page []string, next string, bad *apiError) {
	limit := 1000
	if text := c.r.Header.Get("x-mns-ret-number"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, "", outOfRange("x-mns-ret-number", 1, 1000)
		}
		limit = n
	}
	prefix, marker := c.r.Header.Get("x-mns-prefix"), c.r.Header.Get("x-mns-marker")
	page = slices.DeleteFunc(names,
		func(name string) bool { return !strings.HasPrefix(name, prefix) || name < marker })
	slices.Sort(page)
	if len(page) > limit {
		return page[:limit], page[limit], nil
	}
	return page, "", nil
}

func (c *call) listQueues(w http.ResponseWriter) *apiError {
	withMeta := strings.EqualFold(c.r.Header.Get("x-mns-with-meta"), "true")
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	names, next, bad := c.page(slices.Collect(maps.Keys(s.queues)))
	if bad != nil {
		return bad
	}
	l := queueList{Next: next}
	for _, name := range names {
		listed := queueListed{URL: c.url(name)}
		if withMeta {
			m := s.queues[name].meta(s.now())
			listed.queueMetaListed = &queueMetaListed{m.Name, m.Created, m.Modified, m.Visibility,
				m.Size, m.Retention, m.Delay, m.Polling}
		}
		l.Queues = append(l.Queues, listed)
	}
	writeXML(w, http.StatusOK, l)
	return nil
}
