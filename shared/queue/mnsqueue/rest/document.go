package rest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func encode(document any) ([]byte, error) { return xml.Marshal(document) }

// decode reads a document. Its namespace does not matter.
func decode(text []byte, to any) error {
	return xml.NewDecoder(bytes.NewReader(text)).Decode(to)
}

// Error is a refusal by the service.
type Error struct {
	Status    int    // of HTTP
	Code      string // such as QueueNotExist; "" when the answer has none
	Message   string
	RequestID string
}

// Error implements error.
func (e *Error) Error() string {
	code := e.Code
	if code == "" {
		code = "no code"
	}
	return fmt.Sprintf("%s (status %d, request %s): %s", code, e.Status, e.RequestID, e.Message)
}

// Code is the code of an *Error that err wraps, "" otherwise.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// readError reads the answer to a call that failed: an <Error>, or the call's own document with an error for each part,
// which is then read into to.
func readError(answer *http.Response, text []byte, to any) error {
	e := &Error{Status: answer.StatusCode, RequestID: answer.Header.Get("X-Mns-Request-Id")}
	var document struct {
		XMLName   xml.Name
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}
	if decode(text, &document) != nil || document.XMLName.Local != "Error" {
		if p, ok := to.(parts); ok && decode(text, to) == nil && p.partial() {
			return errParts
		}
		e.Message = fmt.Sprintf("%.200q", strings.ToValidUTF8(string(text), "?"))
		return e
	}
	e.Code, e.Message = document.Code, document.Message
	if document.RequestID != "" {
		e.RequestID = document.RequestID
	}
	return e
}

// parts is a document whose parts can fail each by itself.
type parts interface {
	partial() bool // at least one part is there
}

// errParts says that the parts of the answer have the errors.
var errParts = errors.New("some parts failed")

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func millis(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
