package mns

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
)

// bodyMax limits a request, in bytes: the largest batch, with every byte written as a character
// reference, and the elements around it.
const bodyMax = 8 * sizeMax

// errLarge reports that a body is longer than bodyMax.
var errLarge = errors.New("the request is too large")

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax+1))
	if err == nil && len(body) > bodyMax {
		err = errLarge
	}
	return body, err
}

// sent is a message of a request.
type sent struct {
	Body     *string `xml:"MessageBody"`
	Delay    *string `xml:"DelaySeconds"`
	Priority *string `xml:"Priority"`
}

// sendBody is the document of a send: one <Message>, or <Messages> with several.
type sendBody struct {
	XMLName xml.Name
	sent
	Messages []sent `xml:"Message"`
}

// handlesBody is the document of a batch delete.
type handlesBody struct {
	XMLName xml.Name `xml:"ReceiptHandles"`
	Handles []string `xml:"ReceiptHandle"`
}

// decode parses exactly one document.
func decode(text []byte, to any) *apiError {
	d := xml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(to); err != nil {
		var wrong xml.UnmarshalError // another root element
		if errors.As(err, &wrong) {
			return notInSchema("Root")
		}
		return malformedXML
	}
	for {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		switch t := t.(type) {
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return malformedXML
			}
		case xml.Comment, xml.ProcInst:
		default:
			return malformedXML
		}
		if err != nil {
			return malformedXML
		}
	}
}

// decodeSend returns the messages of a send; batch reports whether the request is a batch.
func decodeSend(text []byte) (messages []sent, batch bool, bad *apiError) {
	var b sendBody
	if bad := decode(text, &b); bad != nil {
		return nil, false, bad
	}
	switch b.XMLName.Local {
	case "Message":
		return []sent{b.sent}, false, nil
	case "Messages":
		return b.Messages, true, nil
	}
	return nil, false, notInSchema(b.XMLName.Local)
}

// writeXML responds with a document.
func writeXML(w http.ResponseWriter, status int, document any) {
	text, err := xml.Marshal(document)
	if err != nil {
		panic(err) // strings and numbers only
	}
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, xml.Header)
	w.Write(text)
}

// Documents of responses.

type sentAnswer struct {
	ErrorCode    string `xml:"ErrorCode,omitempty"`
	ErrorMessage string `xml:"ErrorMessage,omitempty"`
	ID           string `xml:"MessageId,omitempty"`
	Digest       string `xml:"MessageBodyMD5,omitempty"`
	Handle       string `xml:"ReceiptHandle,omitempty"`
}

type sentOne struct {
	XMLName struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Message"`
	sentAnswer
}

type sentMany struct {
	XMLName  struct{}     `xml:"http://mns.aliyuncs.com/doc/v1/ Messages"`
	Messages []sentAnswer `xml:"Message"`
}

type received struct {
	ID       string `xml:"MessageId"`
	Handle   string `xml:"ReceiptHandle,omitempty"`
	Digest   string `xml:"MessageBodyMD5"`
	Body     string `xml:"MessageBody"`
	Enqueued int64  `xml:"EnqueueTime"`
	Next     int64  `xml:"NextVisibleTime,omitempty"`
	First    int64  `xml:"FirstDequeueTime"`
	Count    int    `xml:"DequeueCount"`
	Priority int64  `xml:"Priority"`
}

type receivedOne struct {
	XMLName struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Message"`
	received
}

type receivedMany struct {
	XMLName  struct{}   `xml:"http://mns.aliyuncs.com/doc/v1/ Messages"`
	Messages []received `xml:"Message"`
}

type visibilityAnswer struct {
	XMLName struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ ChangeVisibility"`
	Handle  string   `xml:"ReceiptHandle"`
	Next    int64    `xml:"NextVisibleTime"`
}

type deleteErrors struct {
	XMLName struct{}      `xml:"http://mns.aliyuncs.com/doc/v1/ Errors"`
	Errors  []deleteError `xml:"Error"`
}

type deleteError struct {
	Code    string `xml:"ErrorCode"`
	Message string `xml:"ErrorMessage"`
	Handle  string `xml:"ReceiptHandle"`
}

type queueList struct {
	XMLName struct{}      `xml:"http://mns.aliyuncs.com/doc/v1/ Queues"`
	Queues  []queueListed `xml:"Queue"`
	Next    string        `xml:"NextMarker,omitempty"`
}

type queueListed struct {
	URL string `xml:"QueueURL"`
	*queueMetaListed
}

// queueMetaListed is what a list shows of a queue, beside its URL, if the request asks for more.
type queueMetaListed struct {
	Name       string `xml:"QueueName"`
	Created    int64  `xml:"CreateTime"`
	Modified   int64  `xml:"LastModifyTime"`
	Visibility int64  `xml:"VisibilityTimeout"`
	Size       int64  `xml:"MaximumMessageSize"`
	Retention  int64  `xml:"MessageRetentionPeriod"`
	Delay      int64  `xml:"DelaySeconds"`
	Polling    int64  `xml:"PollingWaitSeconds"`
}
