// Package s3object keeps objects in Amazon S3, through the official SDK.
package s3object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"millrace/shared/object"
)

// Store is an object.Store of S3.
type Store struct{ client *s3.Client }

// New returns the store of the buckets that the credentials reach. endpoint overrides the address
// of the service; with one, the bucket stands in the path. nil: the region's own address.
func New(config aws.Config, endpoint *string) *Store {
	return &Store{s3.NewFromConfig(config, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = endpoint, endpoint != nil
		// Checksums of parts that are read say nothing of the object, and other implementations of
		// the API do not know them.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})}
}

// in chooses the region of a bucket.
func in(n object.Name) func(*s3.Options) {
	return func(o *s3.Options) {
		if n.Region != "" {
			o.Region = n.Region
		}
	}
}

// statusOf returns the HTTP status of an error; 0 if there is none.
func statusOf(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// known returns the error of package object that err is, or err.
func known(err error) error {
	var service smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &service):
		if rejected := object.Rejection(statusOf(err), service.ErrorCode(),
			service.ErrorMessage()); rejected != nil {
			return rejected
		}
		return fmt.Errorf("S3: %s: %s", service.ErrorCode(), service.ErrorMessage())
	}
	return err
}

// Open implements object.Store.
func (s *Store) Open(
	ctx context.Context, name object.Name, etag string, offset int64,
) (object.Info, io.ReadCloser, error) {
	r, err := s.get(ctx, name, etag, offset, offset+object.RangeBytes)
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		return s.empty(ctx, name, etag)
	} else if err != nil {
		return object.Info{}, nil, known(err)
	}
	info := object.Info{Key: name.Key, ETag: strings.Trim(aws.ToString(r.ETag), `"`),
		Size: sizeOf(r), Modified: aws.ToTime(r.LastModified)}
	fetch := func(from, to int64) (io.ReadCloser, error) {
		r, err := s.get(ctx, name, info.ETag, from, to)
		if err != nil {
			return nil, known(err)
		}
		return r.Body, nil
	}
	return info, object.NewRanged(fetch, r.Body, offset, info.Size), nil
}

func (s *Store) get(
	ctx context.Context, name object.Name, etag string, from, to int64,
) (*s3.GetObjectOutput, error) {
	q := &s3.GetObjectInput{Bucket: &name.Bucket, Key: &name.Key,
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", from, to-1))}
	if etag != "" {
		q.IfMatch = aws.String(`"` + etag + `"`)
	}
	return s.client.GetObject(ctx, q, in(name))
}

// sizeOf returns the size of the object of which a response has a range.
func sizeOf(r *s3.GetObjectOutput) int64 {
	var first, last, size int64
	if _, err := fmt.Sscanf(aws.ToString(r.ContentRange), "bytes %d-%d/%d", &first, &last,
		&size); err == nil {
		return size
	}
	return aws.ToInt64(r.ContentLength)
}

// empty opens an object at its end, where no range begins.
func (s *Store) empty(
	ctx context.Context, name object.Name, etag string,
) (object.Info, io.ReadCloser, error) {
	r, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &name.Bucket, Key: &name.Key},
		in(name))
	if err != nil {
		return object.Info{}, nil, known(err)
	}
	info := object.Info{Key: name.Key, ETag: strings.Trim(aws.ToString(r.ETag), `"`),
		Size: aws.ToInt64(r.ContentLength), Modified: aws.ToTime(r.LastModified)}
	if etag != "" && etag != info.ETag {
		return object.Info{}, nil, object.ErrChanged
	}
	return info, http.NoBody, nil
}

// List implements object.Store.
func (s *Store) List(
	ctx context.Context, bucket object.Name, prefix, after string, limit int,
) (object.Listing, error) {
	q := &s3.ListObjectsV2Input{Bucket: &bucket.Bucket, MaxKeys: aws.Int32(int32(limit))}
	if prefix != "" {
		q.Prefix = &prefix
	}
	if after != "" {
		q.StartAfter = &after
	}
	r, err := s.client.ListObjectsV2(ctx, q, in(bucket))
	if err != nil {
		return object.Listing{}, known(err)
	}
	l := object.Listing{More: aws.ToBool(r.IsTruncated)}
	for _, o := range r.Contents {
		l.Objects = append(l.Objects, object.Info{Key: aws.ToString(o.Key),
			Size: aws.ToInt64(o.Size), ETag: strings.Trim(aws.ToString(o.ETag), `"`),
			Modified: aws.ToTime(o.LastModified)})
	}
	return l, nil
}

// Put implements object.Store.
func (s *Store) Put(ctx context.Context, name object.Name, body []byte) error {
	if name.Key == "" || len(name.Key) > object.KeyMax {
		return object.ErrName
	}
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &name.Bucket, Key: &name.Key,
		Body: bytes.NewReader(body)}, in(name))
	return known(err)
}
