// Package osstask carries out OSS:GetObject: one object of OSS, or a part of it, read for use in a flow. Requests are
// signed by OSS's own version 4, not by the OpenAPIs' signature.
//
// Parameters are those of CloudFlow: bucket and key, both required; region, by default the engine's own; versionId; range,
// such as "1024-" or "1024~2048"; ifMatch and ifNoneMatch, which are ETags. The result is
//
//	{"bucket","key","region","body","isBase64Encoded","contentType","contentLength","contentRange","eTag","lastModified",
//	 "versionId","metadata","requestId"}
//
// of which contentRange is there for a part only, versionId in a bucket with versions, and metadata, the members of
// x-oss-meta-*, where there are some. body is the value that a JSON object or array stands for, or any JSON text whose
// Content-Type says so; else the text; else, of what is no UTF-8, the Base64 of the bytes, and then isBase64Encoded is
// true. A part is never taken for JSON.
//
// A refusal is the error {Product}.{Code}, the product as the flow writes it: OSS.NoSuchKey, OSS.AccessDenied. Codes that
// the service does not name: NotModified (what ifNoneMatch asks for), ObjectTooLarge, InvalidArgument, Unknown (no answer).
// A call is made once, and reading again does no harm: that is the flow's own decision.
package osstask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"millrace/shared/task"
	"millrace/shared/task/acs"
	"millrace/shared/task/outbound"
	"millrace/shared/task/own"
)

// Action is the action that the runner carries out.
const Action = "OSS:GetObject"

// MaxBytesDefault is how long an object may be, and the result with it: the engine takes no longer result of a task.
const MaxBytesDefault = 1 << 20

// Options are what a runner is made of.
type Options struct {
	Credentials acs.Provider
	Endpoints   acs.Endpoints
	MaxBytes    int              // of an object, and of the result as JSON; 0: MaxBytesDefault
	HTTP        *http.Client     // nil: one that reaches networks of the inside too
	Now         func() time.Time // nil: the machine's clock

	Own *own.Resources // no object of these is read
}

// Runner carries out Action. It is safe for many goroutines.
type Runner struct{ o Options }

// New returns a runner. Redirects are not followed: what is signed for one host is not sent to another.
func New(o Options) *Runner {
	if o.MaxBytes <= 0 {
		o.MaxBytes = MaxBytesDefault
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.HTTP = outbound.WithoutRedirects(outbound.OrInternal(o.HTTP))
	return &Runner{o}
}

// Run reads the object and returns when all of it is there.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	g, err := parse(r.Parameters)
	if err != nil {
		return r.Failf(invalidArgument, "%s", err)
	}
	if err := t.o.Own.CheckBucket(g.bucket, g.key); err != nil {
		return r.Failf(accessDenied, "%s", err)
	}
	req, err := t.request(ctx, g)
	if err != nil {
		if errors.Is(err, errUnsigned) {
			return r.Failf(accessDenied, "%s", err)
		}
		return r.Failf(invalidArgument, "%s", err)
	}
	resp, err := t.o.HTTP.Do(req)
	if err != nil {
		return t.broken(ctx, &r, g, err).Result()
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		return responseFailure(&r, g, resp).Result()
	}
	body, err := t.body(resp)
	if err != nil {
		return t.broken(ctx, &r, g, err).Result()
	}
	output, failed := result(g, resp, body)
	if failed != nil {
		return failed.Result()
	}
	if len(output) > t.o.MaxBytes {
		return t.tooLarge(&r, g, fmt.Sprintf("is %d bytes as JSON", len(output))).Result()
	}
	return task.Result{Output: output}
}

// errTooLong says that an object is longer than MaxBytes.
var errTooLong = errors.New("the object is too long")

// body reads an object that is not too long. One whose length is known to be is not read at all.
func (t *Runner) body(resp *http.Response) ([]byte, error) {
	most := int64(t.o.MaxBytes)
	if resp.ContentLength > most {
		return nil, fmt.Errorf("%w: it has %d bytes", errTooLong, resp.ContentLength)
	}
	body, err := outbound.ReadAll(resp)
	if errors.Is(err, outbound.ErrTooLarge) || int64(len(body)) > most {
		return nil, errTooLong
	}
	return body, err
}
