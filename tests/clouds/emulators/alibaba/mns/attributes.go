package mns

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// attributes are the attributes of a queue that its owner sets.
type attributes struct {
	delay      int64 // seconds
	size       int64 // bytes
	retention  int64 // seconds
	visibility int64 // seconds
	polling    int64 // seconds
	logging    bool
}

func defaultAttributes() attributes {
	return attributes{size: sizeMax, retention: 345600, visibility: 30}
}

// Limits of the service.
const (
	delayMax      = 604800
	retentionMax  = 604800
	visibilityMax = 43200
	waitMax       = 30
	sizeMax       = 65536
	batchMax      = 16
	nameMax       = 120
)

// queueBody is the document that sets attributes.
type queueBody struct {
	XMLName    xml.Name `xml:"Queue"`
	Delay      *string  `xml:"DelaySeconds"`
	Size       *string  `xml:"MaximumMessageSize"`
	Retention  *string  `xml:"MessageRetentionPeriod"`
	Visibility *string  `xml:"VisibilityTimeout"`
	Polling    *string  `xml:"PollingWaitSeconds"`
	Logging    *string  `xml:"LoggingEnabled"`
}

// apply sets in a the attributes that the document names.
func (b *queueBody) apply(a *attributes) *apiError {
	for _, f := range []struct {
		name      string
		text      *string
		low, high int64
		to        *int64
	}{
		{"DelaySeconds", b.Delay, 0, delayMax, &a.delay},
		{"MaximumMessageSize", b.Size, 1024, sizeMax, &a.size},
		{"MessageRetentionPeriod", b.Retention, 60, retentionMax, &a.retention},
		{"VisibilityTimeout", b.Visibility, 1, visibilityMax, &a.visibility},
		{"PollingWaitSeconds", b.Polling, 0, waitMax, &a.polling},
	} {
		if f.text == nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(*f.text), 10, 64)
		if err != nil {
			return notInSchema(f.name)
		}
		if n < f.low || n > f.high {
			return outOfRange(f.name, f.low, f.high)
		}
		*f.to = n
	}
	if b.Logging != nil {
		on, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(*b.Logging)))
		if err != nil {
			return notInSchema("LoggingEnabled")
		}
		a.logging = on
	}
	return nil
}

// queueMeta is the document of a queue's attributes.
type queueMeta struct {
	XMLName    struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Queue"`
	Name       string   `xml:"QueueName"`
	Created    int64    `xml:"CreateTime"`
	Modified   int64    `xml:"LastModifyTime"`
	Visibility int64    `xml:"VisibilityTimeout"`
	Size       int64    `xml:"MaximumMessageSize"`
	Retention  int64    `xml:"MessageRetentionPeriod"`
	Delay      int64    `xml:"DelaySeconds"`
	Polling    int64    `xml:"PollingWaitSeconds"`
	Inactive   int      `xml:"InactiveMessages"`
	Active     int      `xml:"ActiveMessages"`
	Delayed    int      `xml:"DelayMessages"`
	Logging    bool     `xml:"LoggingEnabled"`
}

func (q *queue) meta(now time.Time) queueMeta {
	q.refresh(now)
	m := queueMeta{
		Name:       q.name,
		Created:    q.created.Unix(),
		Modified:   q.modified.Unix(),
		Visibility: q.visibility,
		Size:       q.size,
		Retention:  q.retention,
		Delay:      q.delay,
		Polling:    q.polling,
		Logging:    q.logging,
		Active:     len(q.visible.list),
	}
	for _, e := range q.hidden.list {
		if e.received == 0 {
			m.Delayed++
		} else {
			m.Inactive++
		}
	}
	return m
}
