// Package ossobject keeps objects in Alibaba Cloud OSS, through the official SDK.
package ossobject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/object"
)

// Options configures a store.
type Options struct {
	Credentials alibaba.Provider
	Endpoints   acs.Endpoints
}

// Store is an object.Store of OSS.
type Store struct {
	o       Options
	mu      sync.Mutex
	clients map[string]*oss.Client // by endpoint
}

// New returns the store of the buckets that the credentials reach.
func New(o Options) *Store { return &Store{o: o, clients: map[string]*oss.Client{}} }

// triesMax is how often the SDK makes a call; callers try again after that.
const triesMax = 2

// client returns the client of a bucket's region.
func (s *Store) client(n object.Name) (*oss.Client, error) {
	region := strings.TrimPrefix(n.Region, "oss-")
	address, prefix, err := s.o.Endpoints.Bucket(region, n.Bucket)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", object.ErrName, err)
	}
	if prefix == "" { // the SDK puts the bucket before the host
		address = strings.Replace(address, "//"+n.Bucket+".", "//", 1)
	}
	if region == "" {
		region = s.o.Endpoints.Region
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := region + " " + address
	if s.clients[key] == nil {
		s.clients[key] = oss.NewClient(oss.LoadDefaultConfig().WithRegion(region).
			WithEndpoint(address).WithUsePathStyle(prefix != "").WithRetryMaxAttempts(triesMax).
			WithCredentialsProvider(credentials.CredentialsProviderFunc(s.credentials)).
			WithUserAgent("Millrace").WithEnabledRedirect(false))
	}
	return s.clients[key], nil
}

func (s *Store) credentials(ctx context.Context) (credentials.Credentials, error) {
	k, err := s.o.Credentials(ctx)
	if err == nil && !k.Valid() {
		err = alibaba.ErrNoCredentials
	}
	return credentials.Credentials{AccessKeyID: k.AccessKeyID, AccessKeySecret: k.AccessKeySecret,
		SecurityToken: k.SecurityToken}, err
}

// known returns the error of package object that err is, or err.
func known(err error) error {
	var service *oss.ServiceError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, alibaba.ErrNoCredentials):
		return fmt.Errorf("%w: %w", object.ErrDenied, alibaba.ErrNoCredentials)
	case errors.As(err, &service):
		if rejected := object.Rejection(service.StatusCode, service.Code,
			service.Message); rejected != nil {
			return rejected
		}
		return fmt.Errorf("OSS: %s: %s (request %s)", service.Code, service.Message, service.RequestID)
	}
	return err
}

// Open implements object.Store.
func (s *Store) Open(
	ctx context.Context, name object.Name, etag string, offset int64,
) (object.Info, io.ReadCloser, error) {
	c, err := s.client(name)
	if err != nil {
		return object.Info{}, nil, err
	}
	r, err := get(ctx, c, name, etag, offset, offset+object.RangeBytes)
	var service *oss.ServiceError
	if errors.As(err, &service) && service.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return s.empty(ctx, c, name, etag)
	} else if err != nil {
		return object.Info{}, nil, known(err)
	}
	info := object.Info{Key: name.Key, ETag: strings.Trim(oss.ToString(r.ETag), `"`),
		Size: sizeOf(r), Modified: oss.ToTime(r.LastModified)}
	fetch := func(from, to int64) (io.ReadCloser, error) {
		r, err := get(ctx, c, name, info.ETag, from, to)
		if err != nil {
			return nil, known(err)
		}
		return r.Body, nil
	}
	return info, object.NewRanged(fetch, r.Body, offset, info.Size), nil
}

func get(
	ctx context.Context, c *oss.Client, name object.Name, etag string, from, to int64,
) (*oss.GetObjectResult, error) {
	q := &oss.GetObjectRequest{Bucket: oss.Ptr(name.Bucket), Key: oss.Ptr(name.Key),
		Range:         oss.Ptr(fmt.Sprintf("bytes=%d-%d", from, to-1)),
		RangeBehavior: oss.Ptr("standard")}
	if etag != "" {
		q.IfMatch = oss.Ptr(`"` + etag + `"`)
	}
	return c.GetObject(ctx, q)
}

// sizeOf returns the size of the object of which a response has a range.
func sizeOf(r *oss.GetObjectResult) int64 {
	var first, last, size int64
	if _, err := fmt.Sscanf(oss.ToString(r.ContentRange), "bytes %d-%d/%d", &first, &last,
		&size); err == nil {
		return size
	}
	return r.ContentLength
}

// empty opens an object at its end, where no range begins.
func (s *Store) empty(
	ctx context.Context, c *oss.Client, name object.Name, etag string,
) (object.Info, io.ReadCloser, error) {
	r, err := c.HeadObject(ctx, &oss.HeadObjectRequest{Bucket: oss.Ptr(name.Bucket),
		Key: oss.Ptr(name.Key)})
	if err != nil {
		return object.Info{}, nil, known(err)
	}
	info := object.Info{Key: name.Key, ETag: strings.Trim(oss.ToString(r.ETag), `"`),
		Size: r.ContentLength, Modified: oss.ToTime(r.LastModified)}
	if etag != "" && etag != info.ETag {
		return object.Info{}, nil, object.ErrChanged
	}
	return info, http.NoBody, nil
}

// List implements object.Store.
func (s *Store) List(
	ctx context.Context, bucket object.Name, prefix, after string, limit int,
) (object.Listing, error) {
	c, err := s.client(bucket)
	if err != nil {
		return object.Listing{}, err
	}
	q := &oss.ListObjectsV2Request{Bucket: oss.Ptr(bucket.Bucket), MaxKeys: int32(limit)}
	if prefix != "" {
		q.Prefix = oss.Ptr(prefix)
	}
	if after != "" {
		q.StartAfter = oss.Ptr(after)
	}
	r, err := c.ListObjectsV2(ctx, q)
	if err != nil {
		return object.Listing{}, known(err)
	}
	l := object.Listing{More: r.IsTruncated}
	for _, o := range r.Contents {
		l.Objects = append(l.Objects, object.Info{Key: oss.ToString(o.Key), Size: o.Size,
			ETag: strings.Trim(oss.ToString(o.ETag), `"`), Modified: oss.ToTime(o.LastModified)})
	}
	return l, nil
}

// Put implements object.Store.
func (s *Store) Put(ctx context.Context, name object.Name, body []byte) error {
	if name.Key == "" || len(name.Key) > object.KeyMax {
		return object.ErrName
	}
	c, err := s.client(name)
	if err != nil {
		return err
	}
	_, err = c.PutObject(ctx, &oss.PutObjectRequest{Bucket: oss.Ptr(name.Bucket),
		Key: oss.Ptr(name.Key), Body: bytes.NewReader(body)})
	return known(err)
}
