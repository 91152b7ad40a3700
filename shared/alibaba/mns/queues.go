package mns

import (
	"context"
	"encoding/xml"
	"net/http"
	"time"
)

// Attributes are the attributes of a queue that its owner sets, in whole seconds.
type Attributes struct {
	// Visibility is how long a received message stays hidden, one second to VisibilityMax.
	Visibility time.Duration
	Retention  time.Duration // how long a message is kept, a minute to seven days
	Polling    time.Duration // default wait of a receive, up to WaitMax
}

// attributesOfQueue omits the service's other attributes, such as the delay of messages, so calls
// leave them as they are.
type attributesOfQueue struct {
	XMLName    xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ Queue"`
	Visibility int64    `xml:"VisibilityTimeout"`
	Retention  int64    `xml:"MessageRetentionPeriod"`
	Polling    int64    `xml:"PollingWaitSeconds"`
}

func (a Attributes) document() attributesOfQueue {
	return attributesOfQueue{
		Visibility: seconds(a.Visibility), Retention: seconds(a.Retention),
		Polling: seconds(a.Polling),
	}
}

// CreateQueue creates a queue. If it exists with the same attributes, that is no error; with
// others, the service's error has the code QueueAlreadyExist.
func (c *Client) CreateQueue(ctx context.Context, name string, a Attributes) error {
	return c.send(ctx,
		request{method: http.MethodPut, queue: name, ofQueue: true, body: a.document()}, nil)
}

// SetAttributes changes the attributes of a queue.
func (c *Client) SetAttributes(ctx context.Context, name string, a Attributes) error {
	return c.send(ctx,
		request{method: http.MethodPut, queue: name, ofQueue: true, query: "metaoverride=true",
			body: a.document()}, nil)
}

// GetAttributes returns the attributes of a queue. If there is no such queue, the error has the
// code QueueNotExist.
func (c *Client) GetAttributes(ctx context.Context, name string) (Attributes, error) {
	var d struct {
		XMLName    xml.Name `xml:"Queue"`
		Visibility int64    `xml:"VisibilityTimeout"`
		Retention  int64    `xml:"MessageRetentionPeriod"`
		Polling    int64    `xml:"PollingWaitSeconds"`
	}
	err := c.send(ctx, request{method: http.MethodGet, queue: name, ofQueue: true}, &d)
	return Attributes{time.Duration(d.Visibility) * time.Second,
		time.Duration(d.Retention) * time.Second, time.Duration(d.Polling) * time.Second}, err
}

// DeleteQueue deletes a queue and its messages. If there is no such queue, that is no error.
func (c *Client) DeleteQueue(ctx context.Context, name string) error {
	return c.send(ctx, request{method: http.MethodDelete, queue: name, ofQueue: true}, nil)
}
