package object

import (
	"fmt"
	"io"
	"net/http"
)

// RangeBytes is the length of the ranges in which a Ranged reads. A reader that is closed early has
// not asked for much more than it has read.
const RangeBytes = 1 << 20

// Fetch reads a range of an object, from the first byte to before the last.
type Fetch func(from, to int64) (io.ReadCloser, error)

// Ranged reads an object range by range.
type Ranged struct {
	Fetch Fetch
	Body  io.ReadCloser // of the range that is read; nil: none
	Next  int64         // first byte that is not read
	Size  int64         // of the object

	end int64 // of Body
}

// NewRanged returns the reader of an object from an offset, whose first range is open.
func NewRanged(fetch Fetch, body io.ReadCloser, offset, size int64) *Ranged {
	return &Ranged{Fetch: fetch, Body: body, Next: offset, Size: size,
		end: min(offset+RangeBytes, size)}
}

// Read implements io.Reader.
func (r *Ranged) Read(p []byte) (int, error) {
	if r.Next >= r.Size {
		return 0, io.EOF
	}
	if r.Body == nil {
		r.end = min(r.Next+RangeBytes, r.Size)
		body, err := r.Fetch(r.Next, r.end)
		if err != nil {
			return 0, err
		}
		r.Body = body
	}
	n, err := r.Body.Read(p[:min(int64(len(p)), r.end-r.Next)])
	r.Next += int64(n)
	switch {
	case r.Next == r.end:
		err = r.Close()
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close closes the range that is read.
func (r *Ranged) Close() error {
	if r.Body == nil {
		return nil
	}
	body := r.Body
	r.Body = nil
	return body.Close()
}

// Rejection returns the error of an HTTP status and the code of the service, with its message, or
// nil if the call may succeed when it is repeated.
func Rejection(status int, code, message string) error {
	known := ErrRejected
	switch {
	case code == "NoSuchBucket":
		known = ErrNoBucket
	case status == http.StatusNotFound:
		known = ErrNoObject
	case status == http.StatusPreconditionFailed:
		known = ErrChanged
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		known = ErrDenied
	case status < 300 || status >= 500 || status == http.StatusTooManyRequests ||
		status == http.StatusRequestTimeout || status == http.StatusConflict:
		return nil
	}
	if known == ErrNoObject || known == ErrChanged || known == ErrNoBucket {
		return known
	}
	return fmt.Errorf("%w: %s: %s", known, code, message)
}
