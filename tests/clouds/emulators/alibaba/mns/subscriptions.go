package mns

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// subscription is one receiver of a topic.
type subscription struct {
	endpoint string
	strategy string
	format   string
	tag      string // only messages with this tag; "": all
	created  time.Time
	modified time.Time
}

// subscribeBody is the document of a subscription.
type subscribeBody struct {
	XMLName  xml.Name `xml:"Subscription"`
	Endpoint string   `xml:"Endpoint"`
	Strategy string   `xml:"NotifyStrategy"`
	Format   string   `xml:"NotifyContentFormat"`
	Tag      string   `xml:"FilterTag"`
}

// check fills in the defaults and rejects invalid values.
func (b *subscribeBody) check(s *Server) *apiError {
	if b.Strategy == "" {
		b.Strategy = "BACKOFF_RETRY"
	}
	if b.Format == "" {
		b.Format = "XML"
	}
	switch {
	case s.queueOf(b.Endpoint) == "" && !strings.HasPrefix(b.Endpoint, "http://") &&
		!strings.HasPrefix(b.Endpoint, "https://"):
		return endpointInvalid
	case b.Strategy != "BACKOFF_RETRY" && b.Strategy != "EXPONENTIAL_DECAY_RETRY":
		return notInSchema("NotifyStrategy")
	case b.Format != "XML" && b.Format != "JSON" && b.Format != "SIMPLIFIED":
		return notInSchema("NotifyContentFormat")
	case len(b.Tag) > 16:
		return outOfRange("FilterTag", 0, 16)
	}
	return nil
}

func (c *call) subscribe(w http.ResponseWriter) *apiError {
	if checkName(c.subscription) != nil {
		return subscriptionNameInvalid
	}
	var b subscribeBody
	if bad := decode(c.body, &b); bad != nil {
		return bad
	}
	if bad := b.check(c.s); bad != nil {
		return bad
	}
	return c.withTopic(func(t *topic) *apiError {
		now := c.s.now()
		if old := t.subscriptions[c.subscription]; old != nil {
			if old.endpoint != b.Endpoint || old.strategy != b.Strategy || old.format != b.Format ||
				old.tag != b.Tag {
				return subscriptionAlreadyExist
			}
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		t.subscriptions[c.subscription] = &subscription{b.Endpoint, b.Strategy, b.Format,
			b.Tag, now, now}
		w.Header().Set("Location", "http://"+c.r.Host+c.r.URL.Path)
		w.WriteHeader(http.StatusCreated)
		return nil
	})
}

type subscriptionMeta struct {
	XMLName  struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Subscription"`
	Owner    string   `xml:"TopicOwner"`
	Topic    string   `xml:"TopicName"`
	Name     string   `xml:"SubscriptionName"`
	Account  string   `xml:"Subscriber"`
	Endpoint string   `xml:"Endpoint"`
	Strategy string   `xml:"NotifyStrategy"`
	Format   string   `xml:"NotifyContentFormat"`
	Tag      string   `xml:"FilterTag,omitempty"`
	Created  int64    `xml:"CreateTime"`
	Modified int64    `xml:"LastModifyTime"`
}

func (c *call) getSubscription(w http.ResponseWriter) *apiError {
	return c.withTopic(func(t *topic) *apiError {
		sub := t.subscriptions[c.subscription]
		if sub == nil {
			return subscriptionNotExist
		}
		writeXML(w, http.StatusOK, subscriptionMeta{
			Owner:    c.s.account,
			Topic:    t.name,
			Name:     c.subscription,
			Account:  c.s.account,
			Endpoint: sub.endpoint,
			Strategy: sub.strategy,
			Format:   sub.format,
			Tag:      sub.tag,
			Created:  sub.created.Unix(),
			Modified: sub.modified.Unix(),
		})
		return nil
	})
}

func (c *call) unsubscribe(w http.ResponseWriter) *apiError {
	return c.withTopic(func(t *topic) *apiError {
		delete(t.subscriptions, c.subscription)
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

type subscriptionList struct {
	XMLName       struct{}             `xml:"http://mns.aliyuncs.com/doc/v1/ Subscriptions"`
	Subscriptions []subscriptionListed `xml:"Subscription"`
	Next          string               `xml:"NextMarker,omitempty"`
}

type subscriptionListed struct {
	URL string `xml:"SubscriptionURL"`
}

func (c *call) listSubscriptions(w http.ResponseWriter) *apiError {
	var names []string
	if bad := c.withTopic(func(t *topic) *apiError {
		names = slices.Collect(maps.Keys(t.subscriptions))
		return nil
	}); bad != nil {
		return bad
	}
	names, next, bad := c.page(names)
	if bad != nil {
		return bad
	}
	l := subscriptionList{Next: next}
	for _, name := range names {
		l.Subscriptions = append(l.Subscriptions, subscriptionListed{"http://" + c.r.Host +
			"/topics/" + c.queue + "/subscriptions/" + name})
	}
	writeXML(w, http.StatusOK, l)
	return nil
}
