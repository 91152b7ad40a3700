package mns

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is one request in progress.
type call struct {
	s            *Server
	r            *http.Request
	id           string
	queue        string // or the topic
	subscription string
	query        url.Values // names in lower case; the official clients differ in their case
	body         []byte
	fault        Fault
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := &call{s: s, r: r, id: fmt.Sprintf("%024X", s.next())}
	s.mu.Unlock()
	w.Header().Set("x-mns-request-id", c.id)
	w.Header().Set("x-mns-version", "2015-06-06")
	if bad := c.open(); bad != nil {
		bad.write(w, r, c.id)
		return
	}
	op, run := c.operation()
	if run == nil {
		methodNotAllowed.write(w, r, c.id)
		return
	}
	if bad := c.authenticated(op); bad != nil {
		bad.write(w, r, c.id)
		return
	}
	c.serveFault(w, op, run)
}

// serveFault carries out a call and injects the fault that was drawn for it.
func (c *call) serveFault(w http.ResponseWriter, op string,
	run func(http.ResponseWriter) *apiError) {
	fault, latency := c.s.fate(op, c.queue)
	if latency > 0 {
		time.Sleep(latency)
	}
	c.fault = fault
	switch fault {
	case LoseCall:
		panic(http.ErrAbortHandler)
	case Refuse:
		internalError.write(w, c.r, c.id)
		return
	case Throttle:
		qpsLimit.write(w, c.r, c.id)
		return
	case Deny:
		accessDenied.write(w, c.r, c.id)
		return
	case LoseAnswer:
		run(&answer{header: http.Header{}})
		panic(http.ErrAbortHandler)
	}
	if bad := run(w); bad != nil {
		bad.write(w, c.r, c.id)
	}
}

// open reads the body and the resource of the request.
func (c *call) open() *apiError {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return invalidURL
	}
	c.query = make(url.Values, len(query))
	for name, values := range query {
		c.query[strings.ToLower(name)] = values
	}
	c.body, err = readBody(c.r)
	switch {
	case err == errLarge:
		return outOfRange("MessageBody", 1, sizeMax)
	case err != nil:
		return malformedXML
	}
	return nil
}

func (c *call) authenticated(op string) *apiError {
	key, bad := c.s.authenticate(c.r)
	switch {
	case bad != nil:
		return bad
	case key.May != nil && !key.May(op, c.queue):
		return accessDenied
	}
	return checkDigest(c.r.Header, c.body)
}

// operation returns the operation that a request names, and its implementation; nil if the request
// names none.
func (c *call) operation() (op string, run func(http.ResponseWriter) *apiError) {
	path := strings.TrimSuffix(c.r.URL.Path, "/")
	if path == "/queues" {
		if c.r.Method == http.MethodGet {
			return "ListQueue", c.listQueues
		}
		return "", nil
	}
	if path == "/topics" || strings.HasPrefix(path, "/topics/") {
		return c.topicOperation(path)
	}
	rest, ok := strings.CutPrefix(path, "/queues/")
	if !ok {
		return "", nil
	}
	name, messages := strings.CutSuffix(rest, "/messages")
	if name == "" || strings.Contains(name, "/") {
		return "", nil
	}
	c.queue = name
	if messages {
		return c.messageOperation()
	}
	return c.queueOperation()
}

func (c *call) queueOperation() (op string, run func(http.ResponseWriter) *apiError) {
	switch c.r.Method {
	case http.MethodPut:
		if strings.EqualFold(c.query.Get("metaoverride"), "true") {
			return "SetQueueAttributes", c.setAttributes
		}
		return "CreateQueue", c.createQueue
	case http.MethodGet:
		return "GetQueueAttributes", c.getAttributes
	case http.MethodDelete:
		return "DeleteQueue", c.deleteQueue
	}
	return "", nil
}

func (c *call) messageOperation() (op string, run func(http.ResponseWriter) *apiError) {
	many := c.query.Has("numofmessages")
	switch c.r.Method {
	case http.MethodPost:
		if root(c.body) == "Messages" {
			return "BatchSendMessage", c.send
		}
		return "SendMessage", c.send
	case http.MethodGet:
		peek := strings.EqualFold(c.query.Get("peekonly"), "true")
		switch {
		case peek && many:
			return "BatchPeekMessage", c.peek
		case peek:
			return "PeekMessage", c.peek
		case many:
			return "BatchReceiveMessage", c.receive
		}
		return "ReceiveMessage", c.receive
	case http.MethodDelete:
		if c.query.Has("receipthandle") || len(c.body) == 0 {
			return "DeleteMessage", c.deleteMessage
		}
		return "BatchDeleteMessage", c.deleteMessages
	case http.MethodPut:
		return "ChangeMessageVisibility", c.changeVisibility
	}
	return "", nil
}

// root returns the name of a document's first element. It serves the count of calls only.
func root(text []byte) string {
	s := string(text[:min(len(text), 256)])
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 || i+1 >= len(s) {
			return ""
		}
		if s = s[i+1:]; s[0] != '?' && s[0] != '!' {
			end := strings.IndexAny(s, " >/\t\r\n")
			return s[:max(end, 0)]
		}
	}
}
