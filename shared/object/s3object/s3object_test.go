package s3object_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"millrace/shared/object"
	"millrace/shared/object/memobject"
	"millrace/shared/object/objecttest"
	"millrace/shared/object/s3object"
)

// service answers like S3, over objects in memory: GetObject with ranges and conditions, HeadObject,
// PutObject and ListObjectsV2.
type service struct {
	objects  *memobject.Store
	requests int
	deny     bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests++
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name := object.Name{Bucket: bucket, Key: key}
	switch {
	case !strings.Contains(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=id/"), s.deny:
		fail(w, 403, "AccessDenied")
	case r.Method == http.MethodPut:
		body, _ := io.ReadAll(r.Body)
		if s.objects.Put(r.Context(), name, body) != nil {
			fail(w, 404, "NoSuchBucket")
		}
	case key == "":
		s.list(w, r, name)
	default:
		s.get(w, r, name)
	}
}

func fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>so it is</Message></Error>", code)
}

func (s *service) get(w http.ResponseWriter, r *http.Request, name object.Name) {
	info, body, err := s.objects.Open(r.Context(), name, "", 0)
	if err != nil {
		code := "NoSuchKey"
		if errors.Is(err, object.ErrNoBucket) {
			code = "NoSuchBucket"
		}
		fail(w, 404, code)
		return
	}
	tag := strconv.Quote(info.ETag)
	w.Header().Set("ETag", tag)
	w.Header().Set("Last-Modified", time.Unix(1, 0).UTC().Format(http.TimeFormat))
	var from, to int64
	_, err = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
	switch m := r.Header.Get("If-Match"); {
	case m != "" && m != tag:
		fail(w, 412, "PreconditionFailed")
		return
	case r.Method == http.MethodHead:
		w.Header().Set("Content-Length", fmt.Sprint(info.Size))
		return
	case err != nil:
		fail(w, 400, "InvalidRequest") // the adapter asks for ranges alone
		return
	case from >= info.Size:
		fail(w, 416, "InvalidRange")
		return
	}
	text, _ := io.ReadAll(body)
	to = min(to, info.Size-1)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, info.Size))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(text[from : to+1])
}

func (s *service) list(w http.ResponseWriter, r *http.Request, name object.Name) {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("max-keys"))
	l, err := s.objects.List(r.Context(), name, q.Get("prefix"), q.Get("start-after"), limit)
	if err != nil || q.Get("list-type") != "2" {
		fail(w, 404, "NoSuchBucket")
		return
	}
	type one struct {
		Key, ETag, LastModified string
		Size                    int64
	}
	out := struct {
		XMLName     xml.Name `xml:"ListBucketResult"`
		IsTruncated bool
		Contents    []one
	}{IsTruncated: l.More}
	for _, o := range l.Objects {
		out.Contents = append(out.Contents, one{o.Key, strconv.Quote(o.ETag),
			time.Unix(1, 0).UTC().Format(time.RFC3339), o.Size})
	}
	text, _ := xml.Marshal(out)
	w.Write(text)
}

func open(t *testing.T) (*s3object.Store, *service) {
	t.Helper()
	s := &service{objects: memobject.New("inbox")}
	at := httptest.NewServer(s)
	t.Cleanup(at.Close)
	return s3object.New(aws.Config{Region: "eu-west-1", RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		})}, &at.URL), s
}

func TestContract(t *testing.T) {
	s, _ := open(t)
	objecttest.Run(t, s, "inbox")
}

// TestRanges: a long object is read in ranges of one version.
func TestRanges(t *testing.T) {
	s, server := open(t)
	name := object.Name{Bucket: "inbox", Key: "k"}
	body := []byte(strings.Repeat("0123456789abcdef", 5*object.RangeBytes/32))
	if err := server.objects.Put(t.Context(), name, body); err != nil {
		t.Fatal(err)
	}
	_, r, err := s.Open(t.Context(), name, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != string(body[10:]) ||
		server.requests != 3 {
		t.Errorf("%d bytes, %v, %d requests", len(text), err, server.requests)
	}
	if _, r, err = s.Open(t.Context(), name, "", 10); err != nil {
		t.Fatal(err)
	}
	if err := server.objects.Put(t.Context(), name, body[1:]); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); !errors.Is(err, object.ErrChanged) ||
		len(text) != object.RangeBytes {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// TestErrors: what S3 rejects is known as what it is.
func TestErrors(t *testing.T) {
	s, server := open(t)
	other := object.Name{Bucket: "other", Key: "k"}
	_, _, err := s.Open(t.Context(), other, "", 0)
	_, listed := s.List(t.Context(), other, "", "", 1)
	if put := s.Put(t.Context(), other, nil); !errors.Is(err, object.ErrNoBucket) ||
		!errors.Is(listed, object.ErrNoBucket) || !errors.Is(put, object.ErrNoBucket) {
		t.Errorf("%v, %v, %v", err, listed, put)
	}
	server.deny = true
	other.Bucket = "inbox"
	_, _, err = s.Open(t.Context(), other, "", 0)
	_, listed = s.List(t.Context(), other, "", "", 1)
	if put := s.Put(t.Context(), other, nil); !errors.Is(err, object.ErrDenied) ||
		!errors.Is(listed, object.ErrDenied) || !errors.Is(put, object.ErrDenied) {
		t.Errorf("%v, %v, %v", err, listed, put)
	}
}
