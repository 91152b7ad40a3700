package oss

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listing is the response of ListObjectsV2.
type listing struct {
	XMLName      xml.Name `xml:"ListBucketResult"`
	Name         string
	Prefix       string
	StartAfter   string
	MaxKeys      int
	EncodingType string
	IsTruncated  bool
	KeyCount     int
	Contents     []listed
}

type listed struct {
	Key          string
	ETag         string
	Size         int
	LastModified string
	StorageClass string
	Type         string
}

// list responds with the objects of a bucket, in the order of their keys. Keys are escaped, as the
// SDKs ask for.
func list(w http.ResponseWriter, r *http.Request, name string, b *bucket) *failure {
	q := r.URL.Query()
	if q.Get("list-type") != "2" || q.Get("encoding-type") != "url" {
		return newFailure(501, "NotImplemented", "Only ListObjectsV2 with encoding-type=url is known.")
	}
	out := listing{Name: name, Prefix: url.QueryEscape(q.Get("prefix")), MaxKeys: 100,
		StartAfter: url.QueryEscape(q.Get("start-after")), EncodingType: "url"}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil && n > 0 {
		out.MaxKeys = min(n, 1000)
	}
	var keys []string
	for key := range b.objects {
		if strings.HasPrefix(key, q.Get("prefix")) && key > q.Get("start-after") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if len(keys) > out.MaxKeys {
		keys, out.IsTruncated = keys[:out.MaxKeys], true
	}
	for _, key := range keys {
		versions := b.objects[key]
		o := versions[len(versions)-1]
		out.Contents = append(out.Contents, listed{Key: url.QueryEscape(key), ETag: etag(o),
			Size: len(o.Body), StorageClass: "Standard", Type: "Normal",
			LastModified: o.Modified.UTC().Format(time.RFC3339)})
	}
	out.KeyCount = len(out.Contents)
	w.Header().Set("Content-Type", "application/xml")
	text, err := xml.Marshal(out)
	if err != nil {
		panic(err)
	}
	w.Write(text)
	return nil
}
