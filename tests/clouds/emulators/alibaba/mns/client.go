package mns

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// BatchMax is the maximum number of messages of one call.
const BatchMax = batchMax

// Client makes signed calls, for what uses queues: emulators of other services, and tests. It makes
// each call once. It is safe for concurrent use.
type Client struct {
	Endpoint   string // http://127.0.0.1:8088
	ID, Secret string // the access key
	HTTP       *http.Client
}

// Client returns a client of the server, which needs no port.
func (s *Server) Client() *Client {
	return &Client{
		Endpoint: "http://" + AccountID + ".mns." + Region + ".aliyuncs.com",
		ID:       AccessKeyID,
		Secret:   AccessKeySecret,
		HTTP:     &http.Client{Transport: s.Transport()},
	}
}

// Message is a received message.
type Message struct {
	ID       string
	Handle   string // for Delete, until the message is visible again
	Body     string
	Enqueued time.Time
}

// Receive receives up to n messages, at most BatchMax, and waits for the first one up to wait, in
// whole seconds. No messages is not an error.
func (c *Client) Receive(
	ctx context.Context, queue string, n int, wait time.Duration,
) ([]Message, error) {
	resource := fmt.Sprintf("/queues/%s/messages?numOfMessages=%d&waitseconds=%d", queue,
		min(n, BatchMax), wait/time.Second)
	var d struct {
		Messages []received `xml:"Message"`
	}
	status, text, err := c.call(ctx, http.MethodGet, resource, nil)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound && bytes.Contains(text, []byte(messageNotExist.code)):
		return nil, nil
	case status != http.StatusOK:
		return nil, errors.New("mns: " + string(text))
	}
	if err := xml.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	messages := make([]Message, len(d.Messages))
	for i, m := range d.Messages {
		messages[i] = Message{m.ID, m.Handle, m.Body, time.UnixMilli(m.Enqueued)}
	}
	return messages, nil
}

// Send sends up to BatchMax messages in one call. After an error it is unknown which of them the
// service accepted.
func (c *Client) Send(ctx context.Context, queue string, bodies ...string) error {
	type message struct {
		Body string `xml:"MessageBody"`
	}
	var d struct {
		XMLName  xml.Name  `xml:"Messages"`
		Messages []message `xml:"Message"`
	}
	for _, body := range bodies {
		d.Messages = append(d.Messages, message{body})
	}
	return c.change(ctx, http.MethodPost, "/queues/"+queue+"/messages", d)
}

// Delete deletes up to BatchMax received messages in one call. It is an error if a handle is no
// longer valid; the other messages are deleted.
func (c *Client) Delete(ctx context.Context, queue string, handles ...string) error {
	resource := "/queues/" + queue + "/messages"
	if len(handles) == 1 {
		return c.change(ctx, http.MethodDelete,
			resource+"?ReceiptHandle="+url.QueryEscape(handles[0]), nil)
	}
	return c.change(ctx, http.MethodDelete, resource, handlesBody{Handles: handles})
}

// change makes a call whose response has nothing that the caller needs.
func (c *Client) change(ctx context.Context, method, resource string, document any) error {
	var body []byte
	if document != nil {
		var err error
		if body, err = xml.Marshal(document); err != nil {
			return err
		}
	}
	status, text, err := c.call(ctx, method, resource, body)
	if err == nil && status/100 != 2 {
		err = errors.New("mns: " + string(text))
	}
	return err
}

// call makes a signed call and returns the status and the body of the response.
func (c *Client) call(
	ctx context.Context, method, resource string, body []byte,
) (status int, text []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Endpoint, "/")+resource,
		bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("x-mns-version", "2015-06-06")
	r.Header.Set("Authorization",
		"MNS "+c.ID+":"+Sign(c.Secret, method, r.URL.RequestURI(), r.Header))
	response, err := c.HTTP.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	return response.StatusCode, text, err
}
