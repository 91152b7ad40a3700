package mns

import (
	"context"
	"encoding/xml"
	"net/http"
)

// SendResult is the service's response to a message that it accepted.
type SendResult struct {
	ID     string
	Digest string // MD5 of the body, in upper-case hex

	RequestID string
}

type singleDocument struct {
	XMLName  xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ Message"`
	Body     string   `xml:"MessageBody"`
	Delay    int64    `xml:"DelaySeconds,omitempty"`
	Priority int      `xml:"Priority,omitempty"`
	Tag      string   `xml:"MessageTag,omitempty"`

	Attributes *attributesDocument `xml:"MessageAttributes"`
}

type attributesDocument struct {
	Mail string `xml:"DirectMail,omitempty"`
	SMS  string `xml:"DirectSMS,omitempty"`
}

type singleResponse struct {
	XMLName xml.Name `xml:"Message"`
	ID      string   `xml:"MessageId"`
	Digest  string   `xml:"MessageBodyMD5"`
}

// SendOne sends one message to a queue, with a priority from 1, the highest, to 16; 0 means the
// service's default.
func (c *Client) SendOne(
	ctx context.Context, queue string, m OutgoingMessage, priority int,
) (SendResult, error) {
	return c.sendSingle(ctx, request{
		method: http.MethodPost, queue: queue,
		body: singleDocument{Body: m.Body, Delay: seconds(m.Delay), Priority: priority},
	})
}

// Publish publishes a message to a topic, with a tag on which subscriptions filter, of at most 16
// characters; "" means none.
func (c *Client) Publish(ctx context.Context, topic, body, tag string) (SendResult, error) {
	return c.sendSingle(ctx, request{
		method: http.MethodPost, topic: topic, body: singleDocument{Body: body, Tag: tag},
	})
}

// Publication is a message to a topic.
type Publication struct {
	Body string // characters of XML 1.0 only
	Tag  string // "" means none
	Mail string // JSON: how subscribed addresses get it as mail; "" means not
	SMS  string // JSON: how subscribed numbers get it as a short message; "" means not
}

// PublishWith publishes a message to a topic, with attributes for its mail and short-message
// subscriptions.
func (c *Client) PublishWith(ctx context.Context, topic string, p Publication) (SendResult, error) {
	d := singleDocument{Body: p.Body, Tag: p.Tag}
	if p.Mail != "" || p.SMS != "" {
		d.Attributes = &attributesDocument{p.Mail, p.SMS}
	}
	return c.sendSingle(ctx, request{method: http.MethodPost, topic: topic, body: d})
}

func (c *Client) sendSingle(ctx context.Context, r request) (SendResult, error) {
	var resp singleResponse
	var id string
	r.id = &id
	err := c.send(ctx, r, &resp)
	return SendResult{resp.ID, resp.Digest, id}, err
}
