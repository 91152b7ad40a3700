package mns

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

// decode decodes a document. It ignores the namespace.
func decode(text []byte, to any) error {
	return xml.NewDecoder(bytes.NewReader(text)).Decode(to)
}

// Error is an error response of the service.
type Error struct {
	Status    int    // HTTP status
	Code      string // such as QueueNotExist; "" if the response has none
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

// Code returns the code of the *Error that err wraps, "" if there is none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// readError decodes the response of a call that failed: an <Error>, or the call's own document with
// an error for each part. It decodes the latter into to and returns errParts.
func readError(resp *http.Response, text []byte, to any) error {
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Mns-Request-Id")}
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

// parts is a document whose parts can fail separately.
type parts interface {
	partial() bool // reports whether there is at least one part
}

// errParts means that the parts of the response have the errors.
var errParts = errors.New("some parts failed")

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func millis(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
