package osstask

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"

	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/task"
)

// Error codes for errors in which the service names none.
const (
	unknown         = "Unknown"
	invalidArgument = "InvalidArgument"
	accessDenied    = "AccessDenied"
	notModified     = "NotModified"
	objectTooLarge  = "ObjectTooLarge"
)

// errorBodyMax is how many bytes of an error response are read.
const errorBodyMax = 64 << 10

// errorBody is the body of an error.
type errorBody struct {
	XMLName                            xml.Name `xml:"Error"`
	Code, Message, RequestId, Endpoint string
}

// responseFailure returns the error of a response that has no object.
func responseFailure(r *task.Request, g *getRequest, resp *http.Response) *flow.Error {
	var e errorBody
	if body, err := io.ReadAll(io.LimitReader(resp.Body, errorBodyMax)); err == nil {
		_ = xml.Unmarshal(body, &e) // a body that cannot be parsed leaves e empty
	}
	if e.Code == "" {
		e.Code = codeOf(resp.StatusCode)
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("OSS answered with status %d.", resp.StatusCode)
	}
	if e.RequestId == "" {
		e.RequestId = resp.Header.Get("X-Oss-Request-Id")
	}
	return task.NewError(r.ErrorName(e.Code), e.Message+advice(g, &e)+" (request "+e.RequestId+")")
}

// advice returns what to do about an error, "" if the service's own text says it.
func advice(g *getRequest, e *errorBody) string {
	switch {
	case e.Endpoint != "" &&
		(e.Code == accessDenied || e.Code == "TemporaryRedirect" || e.Code == "InvalidLocation"):
		return fmt.Sprintf(" The bucket is at %s: name its region in the parameter region.",
			e.Endpoint)
	}
	switch e.Code {
	case accessDenied:
		return fmt.Sprintf(" Allow the role of tasks oss:GetObject on acs:oss:*:*:%s/%s.", g.bucket,
			g.key)
	case "NoSuchBucket":
		return fmt.Sprintf(" Look at the parameters bucket and region (%s).", g.region)
	case "InvalidAccessKeyId", "SecurityTokenExpired", "InvalidSecurityToken":
		return " The credentials are not valid, or no longer; a later attempt takes fresh ones."
	case "InvalidObjectState":
		return " The object is archived: restore it first."
	}
	return ""
}

// codeOf returns the code for a status whose body has none.
func codeOf(status int) string {
	switch {
	case status == http.StatusNotModified:
		return notModified
	case status == http.StatusPreconditionFailed:
		return "PreconditionFailed"
	case status == http.StatusForbidden:
		return accessDenied
	case status == http.StatusTooManyRequests:
		return "ResourceThrottled"
	case status >= http.StatusInternalServerError:
		return "InternalError"
	}
	return unknown
}

// broken returns the error of a call that got no response, or an incomplete one.
func (t *Runner) broken(
	ctx context.Context, r *task.Request, g *getRequest, err error,
) *flow.Error {
	name := g.bucket + "/" + g.key
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, httpclient.ErrTooLarge):
		return t.tooLarge(r, g, "is longer than that ("+httpclient.Reason(err)+")")
	case ctx.Err() != nil:
		return task.NewError(r.ErrorName(unknown), "Reading "+name+" was cut off.")
	}
	return task.NewError(r.ErrorName(unknown), "Reading "+name+" broke: "+httpclient.Reason(err))
}

func (t *Runner) tooLarge(r *task.Request, g *getRequest, why string) *flow.Error {
	return task.NewError(r.ErrorName(objectTooLarge),
		fmt.Sprintf("The result of a task has at most %d bytes, and the object %s/%s %s. "+
			"Read a part of it (range), or give its name to a function that reads it.",
			t.o.MaxBytes,
			g.bucket, g.key, why))
}
