// Package osstask carries out OSS:GetObject: it reads one object of OSS, or a part of it, for use
// in a flow. Requests are signed with OSS's own version 4, not with the signature of the OpenAPIs.
//
// The parameters are those of CloudFlow: bucket and key, both required; region, by default the
// engine's own; versionId; range, such as "1024-" or "1024~2048"; ifMatch and ifNoneMatch, which
// are ETags. The result is
//
//	{"bucket","key","region","body","isBase64Encoded","contentType","contentLength",
//	 "contentRange","eTag","lastModified","versionId","metadata","requestId"}
//
// contentRange is present only for a part, versionId only in a bucket with versions, and metadata,
// the members of x-oss-meta-*, only if there are any. body is the decoded value if the object is a
// JSON object or array, or any JSON text whose Content-Type says so; otherwise the text; if it is
// not UTF-8, the Base64 of the bytes, and isBase64Encoded is true. A part is never decoded as JSON.
//
// If the service rejects the call, the error is {Product}.{Code}, with the product as the flow
// writes it: OSS.NoSuchKey, OSS.AccessDenied. Codes that the service does not name: NotModified
// (when ifNoneMatch matches), ObjectTooLarge, InvalidArgument, Unknown (no response). A call is
// made once. Reading again is harmless, so the flow decides whether to retry it.
package osstask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/httpclient"
	"millrace/shared/task"
	"millrace/shared/task/reserved"
)

// Action is the action that the runner carries out.
const Action = "OSS:GetObject"

// MaxBytesDefault is the maximum size of an object, and of the result, because the engine accepts
// no larger result of a task.
const MaxBytesDefault = 1 << 20

// Options configures a runner.
type Options struct {
	Credentials alibaba.Provider
	Endpoints   acs.Endpoints
	MaxBytes    int              // of an object, and of the result as JSON; 0: MaxBytesDefault
	HTTP        *http.Client     // nil: a client that may also reach private networks
	Now         func() time.Time // nil: the machine's clock

	Own *reserved.Resources // no object of these may be read
}

// Runner carries out Action. It is safe for many goroutines.
type Runner struct{ o Options }

// New returns a runner. It does not follow redirects, because a request signed for one host must
// not go to another.
func New(o Options) *Runner {
	if o.MaxBytes <= 0 {
		o.MaxBytes = MaxBytesDefault
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.HTTP = httpclient.WithoutRedirects(httpclient.OrInternal(o.HTTP))
	return &Runner{o}
}

// Run reads the object and returns when it has read all of it.
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
		return task.Failed(t.broken(ctx, &r, g, err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		return task.Failed(responseFailure(&r, g, resp))
	}
	body, err := t.body(resp)
	if err != nil {
		return task.Failed(t.broken(ctx, &r, g, err))
	}
	output, failed := result(g, resp, body)
	if failed != nil {
		return task.Failed(failed)
	}
	if len(output) > t.o.MaxBytes {
		return task.Failed(t.tooLarge(&r, g, fmt.Sprintf("is %d bytes as JSON", len(output))))
	}
	return task.Result{Output: output}
}

// errTooLong means that an object is longer than MaxBytes.
var errTooLong = errors.New("the object is too long")

// body reads an object of at most MaxBytes. If its declared length is larger, body does not read
// it.
func (t *Runner) body(resp *http.Response) ([]byte, error) {
	limit := int64(t.o.MaxBytes)
	if resp.ContentLength > limit {
		return nil, fmt.Errorf("%w: it has %d bytes", errTooLong, resp.ContentLength)
	}
	body, err := httpclient.ReadAll(resp)
	if errors.Is(err, httpclient.ErrTooLarge) || int64(len(body)) > limit {
		return nil, errTooLong
	}
	return body, err
}
