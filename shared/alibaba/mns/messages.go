package mns

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Limits of the service.
const (
	BatchMax      = 16    // messages in one call
	BytesMax      = 65536 // bodies in one call, in total
	DelayMax      = 604800 * time.Second
	WaitMax       = 30 * time.Second // of a receive
	VisibilityMax = 43200 * time.Second
)

// OutgoingMessage is a message to send.
type OutgoingMessage struct {
	Body  string        // characters of XML 1.0 only
	Delay time.Duration // sent in whole seconds, rounded up
}

// ReceivedMessage is a message that was received.
type ReceivedMessage struct {
	ID           string
	Handle       string // valid until NextVisible, or until the visibility is changed
	Body         string
	DequeueCount int // how often the message has been received, this time included
	Enqueued     time.Time
	NextVisible  time.Time // when the message becomes visible again
}

type outDocument struct {
	Body  string `xml:"MessageBody"`
	Delay int64  `xml:"DelaySeconds"`
}

type sendDocument struct {
	XMLName  xml.Name      `xml:"http://mns.aliyuncs.com/doc/v1/ Messages"`
	Messages []outDocument `xml:"Message"`
}

type sentDocument struct {
	XMLName  xml.Name `xml:"Messages"`
	Messages []struct {
		ID        string `xml:"MessageId"`
		ErrorCode string
		Message   string `xml:"ErrorMessage"`
	} `xml:"Message"`
}

func (d *sentDocument) partial() bool { return len(d.Messages) > 0 }

// Send sends up to BatchMax messages in one call. failed has an error for each message that the
// service rejected and nil for each that it accepted; it is nil if all were accepted. If err is not
// nil, the call as a whole failed, and it is unknown which messages the service accepted.
func (c *Client) Send(
	ctx context.Context, queue string, messages []OutgoingMessage,
) (failed []error, err error) {
	d := sendDocument{Messages: make([]outDocument, len(messages))}
	for i, m := range messages {
		d.Messages[i] = outDocument{m.Body, seconds(m.Delay)}
	}
	var resp sentDocument
	err = c.send(ctx, request{method: http.MethodPost, queue: queue, body: d}, &resp)
	if err != nil && !errors.Is(err, errParts) {
		return nil, err
	}
	if len(resp.Messages) != len(messages) {
		return nil, errors.New("the response does not have a part for each message")
	}
	some := false
	failed = make([]error, len(messages))
	for i, m := range resp.Messages {
		if m.ErrorCode != "" {
			failed[i] = &Error{
				Status: http.StatusInternalServerError, Code: m.ErrorCode, Message: m.Message,
			}
			some = true
		}
	}
	if !some {
		return nil, nil
	}
	return failed, nil
}

type receivedDocument struct {
	XMLName  xml.Name `xml:"Messages"`
	Messages []struct {
		ID       string `xml:"MessageId"`
		Handle   string `xml:"ReceiptHandle"`
		Body     string `xml:"MessageBody"`
		Enqueued int64  `xml:"EnqueueTime"`
		Next     int64  `xml:"NextVisibleTime"`
		Count    int    `xml:"DequeueCount"`
	} `xml:"Message"`
}

// Receive receives up to n messages, at most BatchMax, and waits for the first one up to wait, at
// most WaitMax. No messages is not an error.
func (c *Client) Receive(
	ctx context.Context, queue string, n int, wait time.Duration,
) ([]ReceivedMessage, error) {
	query := "numOfMessages=" + strconv.Itoa(min(n, BatchMax)) + "&waitseconds=" +
		strconv.FormatInt(seconds(min(wait, WaitMax)), 10)
	var d receivedDocument
	err := c.send(ctx, request{method: http.MethodGet, queue: queue, query: query}, &d)
	if Code(err) == "MessageNotExist" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	messages := make([]ReceivedMessage, len(d.Messages))
	for i, m := range d.Messages {
		messages[i] = ReceivedMessage{
			ID: m.ID, Handle: m.Handle, Body: m.Body, DequeueCount: m.Count,
			Enqueued: millis(m.Enqueued), NextVisible: millis(m.Next),
		}
	}
	return messages, nil
}

// ErrHandleExpired means that a handle is no longer valid: the message was deleted, or is visible
// to others again.
var ErrHandleExpired = errors.New("the receipt handle is no longer valid")

// handleError converts both errors of an expired handle to ErrHandleExpired.
func handleError(err error) error {
	if code := Code(err); code == "MessageNotExist" || code == "ReceiptHandleError" {
		return ErrHandleExpired
	}
	return err
}

type handlesDocument struct {
	XMLName xml.Name `xml:"http://mns.aliyuncs.com/doc/v1/ ReceiptHandles"`
	Handles []string `xml:"ReceiptHandle"`
}

type undeletedDocument struct {
	XMLName xml.Name `xml:"Errors"`
	Errors  []struct {
		Code    string `xml:"ErrorCode"`
		Message string `xml:"ErrorMessage"`
		Handle  string `xml:"ReceiptHandle"`
	} `xml:"Error"`
}

func (d *undeletedDocument) partial() bool { return len(d.Errors) > 0 }

// Delete deletes up to BatchMax received messages in one call. If handles are no longer valid, the
// error wraps ErrHandleExpired, and the other messages were deleted.
func (c *Client) Delete(ctx context.Context, queue string, handles ...string) error {
	if len(handles) == 1 {
		return handleError(c.send(ctx,
			request{method: http.MethodDelete, queue: queue, query: "ReceiptHandle=" +
				url.QueryEscape(handles[0])}, nil))
	}
	var d undeletedDocument
	err := c.send(ctx,
		request{method: http.MethodDelete, queue: queue, body: handlesDocument{Handles: handles}},
		&d)
	if !errors.Is(err, errParts) {
		return handleError(err)
	}
	var errs []error
	for _, e := range d.Errors {
		errs = append(errs, handleError(&Error{
			Status: http.StatusNotFound, Code: e.Code, Message: e.Message,
		}))
	}
	return errors.Join(errs...)
}

// ChangeVisibility sets how long a received message stays hidden from now on, from one second to
// VisibilityMax. It returns the new handle; the old one is no longer valid.
func (c *Client) ChangeVisibility(
	ctx context.Context, queue, handle string, d time.Duration,
) (newHandle string, err error) {
	n := seconds(min(max(d, time.Second), VisibilityMax))
	var resp struct {
		XMLName xml.Name `xml:"ChangeVisibility"`
		Handle  string   `xml:"ReceiptHandle"`
	}
	query := "ReceiptHandle=" + url.QueryEscape(handle) + "&VisibilityTimeout=" +
		strconv.FormatInt(n, 10)
	if err := c.send(ctx, request{method: http.MethodPut, queue: queue, query: query},
		&resp); err != nil {
		return "", handleError(err)
	}
	return resp.Handle, nil
}
