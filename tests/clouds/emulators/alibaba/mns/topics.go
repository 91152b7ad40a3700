package mns

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// topic delivers what is published to its subscriptions. The server's lock guards it.
type topic struct {
	name          string
	size          int64
	logging       bool
	created       time.Time
	modified      time.Time
	published     []string // bodies
	subscriptions map[string]*subscription
}

// topicRetention is how long the service keeps undelivered messages, in seconds. It cannot be
// changed.
const topicRetention = 86400

// The errors of topics.
var (
	topicNotExist = &apiError{404, "TopicNotExist",
		"The topic name you provided is not exist."}
	topicAlreadyExist = &apiError{409, "TopicAlreadyExist",
		"The topic you want to create is already exist."}
	topicNameInvalid = &apiError{400, "TopicNameInvalid",
		"The topic name you provided is invalid."}
	topicNameLength = &apiError{400, "TopicNameLengthError",
		"TopicName length should between 1 and 120."}
	subscriptionNameInvalid = &apiError{400, "SubscriptionNameInvalid",
		"The subscription name you provided is invalid."}
	subscriptionNotExist = &apiError{404, "SubscriptionNotExist",
		"The subscription name you provided is not exist."}
	subscriptionAlreadyExist = &apiError{409, "SubscriptionAlreadyExist",
		"The subscription you want to create is already exist."}
	endpointInvalid = &apiError{400, "EndpointInvalid", "The endpoint you provided is invalid."}
)

// Published returns the bodies that have been published to a topic; nil if the topic does not
// exist.
func (s *Server) Published(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[name]; t != nil {
		return append([]string{}, t.published...)
	}
	return nil
}

// topicOperation returns the operation that a request below /topics names, and its implementation.
func (c *call) topicOperation(path string) (op string, run func(http.ResponseWriter) *apiError) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/") // topics, name, kind, name
	method := c.r.Method
	if len(parts) > 1 {
		c.queue = parts[1]
	}
	switch {
	case len(parts) == 1 && method == http.MethodGet:
		return "ListTopic", c.listTopics
	case len(parts) == 2:
		return c.oneTopicOperation()
	case len(parts) == 3 && parts[2] == "messages" && method == http.MethodPost:
		return "PublishMessage", c.publish
	case len(parts) == 3 && parts[2] == "subscriptions" && method == http.MethodGet:
		return "ListSubscriptionByTopic", c.listSubscriptions
	case len(parts) == 4 && parts[2] == "subscriptions":
		c.subscription = parts[3]
		switch method {
		case http.MethodPut:
			return "Subscribe", c.subscribe
		case http.MethodGet:
			return "GetSubscriptionAttributes", c.getSubscription
		case http.MethodDelete:
			return "Unsubscribe", c.unsubscribe
		}
	}
	return "", nil
}

func (c *call) oneTopicOperation() (op string, run func(http.ResponseWriter) *apiError) {
	switch c.r.Method {
	case http.MethodPut:
		if strings.EqualFold(c.query.Get("metaoverride"), "true") {
			return "SetTopicAttributes", c.setTopic
		}
		return "CreateTopic", c.createTopic
	case http.MethodGet:
		return "GetTopicAttributes", c.getTopic
	case http.MethodDelete:
		return "DeleteTopic", c.deleteTopic
	}
	return "", nil
}

// topicBody is the document that sets attributes of a topic.
type topicBody struct {
	XMLName xml.Name `xml:"Topic"`
	Size    *string  `xml:"MaximumMessageSize"`
	Logging *string  `xml:"LoggingEnabled"`
}

// wantedTopic returns the attributes with those that the request sets.
func (c *call) wantedTopic(size int64, logging bool) (int64, bool, *apiError) {
	if len(c.body) == 0 {
		return size, logging, nil
	}
	var b topicBody
	if bad := decode(c.body, &b); bad != nil {
		return 0, false, bad
	}
	size, bad := number("MaximumMessageSize", b.Size, 1024, sizeMax, size)
	if bad == nil && b.Logging != nil {
		on, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(*b.Logging)))
		if err != nil {
			return 0, false, notInSchema("LoggingEnabled")
		}
		logging = on
	}
	return size, logging, bad
}

func (c *call) createTopic(w http.ResponseWriter) *apiError {
	size, logging, bad := c.wantedTopic(sizeMax, false)
	if bad != nil {
		return bad
	}
	switch checkName(c.queue) {
	case queueNameLength:
		return topicNameLength
	case invalidQueueName:
		return topicNameInvalid
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[c.queue]; t != nil {
		if t.size != size || t.logging != logging {
			return topicAlreadyExist
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	now := s.now()
	s.topics[c.queue] = &topic{
		name:          c.queue,
		size:          size,
		logging:       logging,
		created:       now,
		modified:      now,
		subscriptions: map[string]*subscription{},
	}
	w.Header().Set("Location", "http://"+c.r.Host+"/topics/"+c.queue)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// withTopic runs f with the topic of the call, under the server's lock.
func (c *call) withTopic(f func(*topic) *apiError) *apiError {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	t := c.s.topics[c.queue]
	if t == nil {
		return topicNotExist
	}
	return f(t)
}

func (c *call) setTopic(w http.ResponseWriter) *apiError {
	return c.withTopic(func(t *topic) *apiError {
		size, logging, bad := c.wantedTopic(t.size, t.logging)
		if bad != nil {
			return bad
		}
		t.size, t.logging, t.modified = size, logging, c.s.now()
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

type topicMeta struct {
	XMLName   struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Topic"`
	Name      string   `xml:"TopicName"`
	Created   int64    `xml:"CreateTime"`
	Modified  int64    `xml:"LastModifyTime"`
	Size      int64    `xml:"MaximumMessageSize"`
	Retention int64    `xml:"MessageRetentionPeriod"`
	Count     int      `xml:"MessageCount"`
	Logging   bool     `xml:"LoggingEnabled"`
}

func (c *call) getTopic(w http.ResponseWriter) *apiError {
	return c.withTopic(func(t *topic) *apiError {
		writeXML(w, http.StatusOK, topicMeta{
			Name:      t.name,
			Created:   t.created.Unix(),
			Modified:  t.modified.Unix(),
			Size:      t.size,
			Retention: topicRetention,
			Logging:   t.logging,
		})
		return nil
	})
}

func (c *call) deleteTopic(w http.ResponseWriter) *apiError {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.topics, c.queue)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type topicList struct {
	XMLName struct{}      `xml:"http://mns.aliyuncs.com/doc/v1/ Topics"`
	Topics  []topicListed `xml:"Topic"`
	Next    string        `xml:"NextMarker,omitempty"`
}

type topicListed struct {
	URL string `xml:"TopicURL"`
}

func (c *call) listTopics(w http.ResponseWriter) *apiError {
	c.s.mu.Lock()
	names := slices.Collect(maps.Keys(c.s.topics))
	c.s.mu.Unlock()
	names, next, bad := c.page(names)
	if bad != nil {
		return bad
	}
	l := topicList{Next: next}
	for _, name := range names {
		l.Topics = append(l.Topics, topicListed{"http://" + c.r.Host + "/topics/" + name})
	}
	writeXML(w, http.StatusOK, l)
	return nil
}

// publishBody is the document of a message for a topic.
type publishBody struct {
	XMLName xml.Name `xml:"Message"`
	Body    *string  `xml:"MessageBody"`
	Tag     string   `xml:"MessageTag"`
}

func (c *call) publish(w http.ResponseWriter) *apiError {
	var b publishBody
	if bad := decode(c.body, &b); bad != nil {
		return bad
	}
	if b.Body == nil {
		return notInSchema("MessageBody")
	}
	if len(b.Tag) > 16 {
		return outOfRange("MessageTag", 0, 16)
	}
	return c.withTopic(func(t *topic) *apiError {
		if n := int64(len(*b.Body)); n < 1 || n > t.size {
			return outOfRange("MessageBody", 1, t.size)
		}
		now := c.s.now()
		id := fmt.Sprintf("%016X-1-%X", c.s.next(), now.UnixMilli())
		t.published = append(t.published, *b.Body)
		for _, name := range slices.Sorted(maps.Keys(t.subscriptions)) {
			if sub := t.subscriptions[name]; sub.tag == "" || sub.tag == b.Tag {
				c.s.notify(t, name, sub, id, &b, now)
			}
		}
		writeXML(w, http.StatusCreated,
			sentOne{sentAnswer: sentAnswer{ID: id, Digest: digest(*b.Body)}})
		return nil
	})
}

// queueOf returns the queue that an endpoint names; "" for other endpoints.
func (s *Server) queueOf(endpoint string) string {
	name, ok := strings.CutPrefix(endpoint, "acs:mns:"+s.region+":"+s.account+":queues/")
	if !ok {
		return ""
	}
	return name
}

// notify delivers a message to a subscription whose endpoint is a queue; other endpoints get
// nothing. The caller holds mu.
func (s *Server) notify(t *topic, name string, sub *subscription, id string, b *publishBody,
	now time.Time) {
	q := s.queues[s.queueOf(sub.endpoint)]
	if q == nil {
		return
	}
	body := *b.Body
	switch sub.format {
	case "JSON":
		text, err := json.Marshal(map[string]any{
			"TopicOwner":       s.account,
			"TopicName":        t.name,
			"Subscriber":       s.account,
			"SubscriptionName": name,
			"MessageId":        id,
			"MessageMD5":       digest(body),
			"Message":          body,
			"PublishTime":      now.UnixMilli(),
		})
		if err != nil {
			panic(err) // strings and numbers only
		}
		body = string(text)
	case "XML":
		text, err := xml.Marshal(notification{
			TopicOwner:       s.account,
			TopicName:        t.name,
			Subscriber:       s.account,
			SubscriptionName: name,
			ID:               id,
			Digest:           digest(body),
			Message:          body,
			Published:        now.UnixMilli(),
			Tag:              b.Tag,
		})
		if err != nil {
			panic(err)
		}
		body = xml.Header + string(text)
	}
	s.accept(q, &message{
		body:     body,
		digest:   digest(body),
		priority: 8,
		enqueued: now,
		at:       now.Add(time.Duration(q.delay) * time.Second),
	}, now)
	q.wake()
}

type notification struct {
	XMLName          struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Notification"`
	TopicOwner       string
	TopicName        string
	Subscriber       string
	SubscriptionName string
	ID               string `xml:"MessageId"`
	Message          string
	Digest           string `xml:"MessageMD5"`
	Tag              string `xml:"MessageTag,omitempty"`
	Published        int64  `xml:"PublishTime"`
}

// CreateTopic creates a topic with the service's defaults, unless it exists.
func (s *Server) CreateTopic(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[name] == nil {
		now := s.now()
		s.topics[name] = &topic{
			name:          name,
			size:          sizeMax,
			created:       now,
			modified:      now,
			subscriptions: map[string]*subscription{},
		}
	}
}
