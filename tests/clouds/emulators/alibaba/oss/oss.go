// Package oss emulates Alibaba Cloud OSS, in memory: PutObject, GetObject, HeadObject and ListObjectsV2, with
// signatures of version 4, regions, versions, ranges and conditions, and errors with the service's
// codes. A Server is an http.Handler for addresses like http://<host>/<bucket>/<key> and for hosts
// like <bucket>.oss-<region>.aliyuncs.com.
//
// tests/clouds/emulators/crosscheck cross-checks it with the official Go SDK.
package oss

import (
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Key is an access key, long-lived or of STS.
type Key struct {
	ID, Secret string
	Token      string    // of STS; "": a long-lived key
	Expires    time.Time // of an STS key; zero: never
	Deny       []string  // operations that the key may not use, such as "GetObject"
}

// Options of a Server. The zero value suits most tests.
type Options struct {
	Keys   []Key            // nil: DefaultKey
	Now    func() time.Time // nil: time.Now
	Region string           // of the server, and of buckets created without one; "": cn-hangzhou
}

// DefaultKey is the key of a Server without configured keys.
var DefaultKey = Key{ID: "test", Secret: "test"}

// Server holds buckets and their objects. It is safe for concurrent use.
type Server struct {
	o        Options
	mu       sync.Mutex
	keys     map[string]Key
	buckets  map[string]*bucket
	requests int
}

type bucket struct {
	region  string
	objects map[string][]Object // the versions of each, oldest first
}

// Object is one version of an object.
type Object struct {
	Body        []byte
	ContentType string
	Meta        map[string]string // x-oss-meta-* headers, without the prefix
	Version     string
	Modified    time.Time
}

// New returns a Server without buckets.
func New(o Options) *Server {
	if o.Keys == nil {
		o.Keys = []Key{DefaultKey}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Region == "" {
		o.Region = "cn-hangzhou"
	}
	s := &Server{o: o, keys: map[string]Key{}, buckets: map[string]*bucket{}}
	s.SetKeys(o.Keys...)
	return s
}

// SetKeys replaces the keys.
func (s *Server) SetKeys(keys ...Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.keys)
	for _, k := range keys {
		s.keys[k.ID] = k
	}
}

// CreateBucket creates a bucket; region "" is the server's own.
func (s *Server) CreateBucket(name, region string) {
	if region == "" {
		region = s.o.Region
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[name] = &bucket{region: region, objects: map[string][]Object{}}
}

// Put stores an object as a new version. The bucket must exist.
func (s *Server) Put(bucket, key string, o Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(bucket, key, o)
}

func (s *Server) put(bucket, key string, o Object) Object {
	b := s.buckets[bucket]
	o.Version, o.Modified = fmt.Sprint("v", len(b.objects[key])+1), s.o.Now()
	b.objects[key] = append(b.objects[key], o)
	return o
}

// Requests returns the number of requests received, including refused ones.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// bodyMax is the maximum size of an object, in bytes.
const bodyMax = 64 << 20

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMax))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	w.Header().Set("X-Oss-Request-Id", fmt.Sprintf("%024X", s.requests))
	name, key, resource := target(r)
	k, refused := s.admit(r, resource)
	b := s.buckets[name]
	switch {
	case refused != nil:
	case slices.Contains(k.Deny, operation(r.Method, key)):
		refused = newFailure(403, "AccessDenied",
			"You have no right to access this object because of bucket acl.")
	case b == nil:
		refused = newFailure(404, "NoSuchBucket", "The specified bucket does not exist.")
	case b.region != s.o.Region:
		refused = newFailure(403, "AccessDenied", "The bucket you are attempting to access must "+
			"be addressed using the specified endpoint. Please send all future requests to this "+
			"endpoint.")
		refused.endpoint = "oss-" + b.region + ".aliyuncs.com"
	case r.Method == http.MethodGet && key == "":
		refused = list(w, r, name, b)
	case r.Method == http.MethodPut:
		o := Object{
			Body:        body,
			ContentType: r.Header.Get("Content-Type"),
			Meta:        map[string]string{},
		}
		for h := range r.Header {
			if of, ok := strings.CutPrefix(strings.ToLower(h), "x-oss-meta-"); ok {
				o.Meta[of] = r.Header.Get(h)
			}
		}
		o = s.put(name, key, o)
		w.Header().Set("Etag", etag(o))
		w.Header().Set("X-Oss-Version-Id", o.Version)
		return
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		refused = serve(w, r, b.objects[key])
	default:
		refused = newFailure(405, "MethodNotAllowed",
			"The specified method is not allowed against this resource.")
	}
	if refused != nil {
		refused.write(w)
	}
}

func operation(method, key string) string {
	if key == "" {
		return "ListObjects"
	}
	return map[string]string{
		http.MethodGet:  "GetObject",
		http.MethodHead: "HeadObject",
		http.MethodPut:  "PutObject",
	}[method]
}

// target returns the bucket, the key, and the escaped resource that is signed.
func target(r *http.Request) (bucket, key, resource string) {
	resource = r.URL.EscapedPath()
	if host, _, ok := strings.Cut(r.Host, ".oss-"); ok {
		return host, strings.TrimPrefix(r.URL.Path, "/"), "/" + host + resource
	}
	bucket, key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return bucket, key, resource
}

func etag(o Object) string { return fmt.Sprintf(`"%X"`, md5.Sum(o.Body)) }

// serve responds with a version of an object.
func serve(w http.ResponseWriter, r *http.Request, versions []Object) *failure {
	version := r.URL.Query().Get("versionId")
	at := slices.IndexFunc(versions, func(o Object) bool { return o.Version == version })
	switch {
	case version == "" && len(versions) > 0:
		at = len(versions) - 1
	case at < 0 && version != "":
		return newFailure(404, "NoSuchVersion", "The specified version does not exist.")
	case at < 0:
		return newFailure(404, "NoSuchKey", "The specified key does not exist.")
	}
	o, h := versions[at], w.Header()
	h.Set("Etag", etag(o))
	h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	h.Set("X-Oss-Version-Id", o.Version)
	if h.Set("Content-Type", o.ContentType); o.ContentType == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	for name, v := range o.Meta {
		h.Set("X-Oss-Meta-"+name, v)
	}
	if m := r.Header.Get("If-Match"); m != "" && m != etag(o) {
		return newFailure(412, "PreconditionFailed",
			"At least one of the pre-conditions you specified did not hold.")
	}
	if m := r.Header.Get("If-None-Match"); m == etag(o) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body, status := o.Body, http.StatusOK
	from, to, ok := part(r.Header.Get("Range"), len(body))
	switch {
	case ok:
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(body)))
		body, status = body[from:to+1], http.StatusPartialContent
	case r.Header.Get("Range") != "" && r.Header.Get("X-Oss-Range-Behavior") == "standard":
		return newFailure(416, "InvalidRange", "The requested range cannot be satisfied.")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		w.Write(body)
	}
	return nil
}

// part parses a Range header. An unsatisfiable range means the whole object, as with the service.
func part(header string, size int) (from, to int, ok bool) {
	text, found := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(text, "-")
	if !found || !dash {
		return 0, 0, false
	}
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	switch {
	case first == "" && err2 == nil && to > 0:
		return max(size-to, 0), size - 1, size > 0
	case err1 != nil || from >= size || last != "" && (err2 != nil || to < from):
		return 0, 0, false
	case last == "" || to >= size:
		to = size - 1
	}
	return from, to, true
}
