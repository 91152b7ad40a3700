package ossobject_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/object"
	"millrace/shared/object/objecttest"
	"millrace/shared/object/ossobject"
	"millrace/tests/clouds/emulators/alibaba/oss"
)

func open(t *testing.T, k alibaba.Credentials, keys ...oss.Key) (*ossobject.Store, *oss.Server) {
	t.Helper()
	s := oss.New(oss.Options{Keys: keys})
	s.CreateBucket("inbox", "")
	at := httptest.NewServer(s)
	t.Cleanup(at.Close)
	return ossobject.New(ossobject.Options{Credentials: alibaba.Static(k),
		Endpoints: acs.Endpoints{Account: "1", Region: "cn-hangzhou",
			Override: func(string) string { return at.URL }}}), s
}

var key = alibaba.Credentials{AccessKeyID: "test", AccessKeySecret: "test"}

func TestContract(t *testing.T) {
	s, _ := open(t, key)
	objecttest.Run(t, s, "inbox")
}

// TestRanges: a long object is read in ranges of one version, and a reader that is closed early has
// asked for one of them.
func TestRanges(t *testing.T) {
	s, server := open(t, key)
	body := strings.Repeat("0123456789abcdef", 5*object.RangeBytes/32)
	name := object.Name{Bucket: "inbox", Key: "k"}
	server.Put("inbox", "k", oss.Object{Body: []byte(body)})
	before := server.Requests()
	_, r, err := s.Open(t.Context(), name, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 100)); err != nil || r.Close() != nil {
		t.Error(err)
	}
	if n := server.Requests() - before; n != 1 {
		t.Errorf("%d requests", n)
	}
	_, r, err = s.Open(t.Context(), name, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	server.Put("inbox", "k", oss.Object{Body: []byte("y" + body[1:])})
	if text, err := io.ReadAll(r); !errors.Is(err, object.ErrChanged) ||
		len(text) != object.RangeBytes {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// TestErrors: what OSS rejects is known as what it is.
func TestErrors(t *testing.T) {
	name := object.Name{Bucket: "inbox", Key: "none"}
	for what, test := range map[string]struct {
		key  alibaba.Credentials
		name object.Name
		want error
	}{
		"no object":      {key, name, object.ErrNoObject},
		"no bucket":      {key, object.Name{Bucket: "other", Key: "k"}, object.ErrNoBucket},
		"bad bucket":     {key, object.Name{Bucket: "evil.example/", Key: "k"}, object.ErrName},
		"bad region":     {key, object.Name{Bucket: "inbox", Key: "k", Region: "x"}, object.ErrName},
		"no credentials": {alibaba.Credentials{}, name, object.ErrDenied},
		"wrong secret": {alibaba.Credentials{AccessKeyID: "test", AccessKeySecret: "x"}, name,
			object.ErrDenied},
		"denied": {alibaba.Credentials{AccessKeyID: "denied", AccessKeySecret: "x"}, name,
			object.ErrDenied},
	} {
		s, _ := open(t, test.key, oss.DefaultKey, oss.Key{ID: "denied", Secret: "x",
			Deny: []string{"GetObject", "ListObjects", "PutObject"}})
		_, _, err := s.Open(t.Context(), test.name, "", 0)
		_, listed := s.List(t.Context(), test.name, "", "", 1)
		put := s.Put(t.Context(), test.name, nil)
		if test.want == object.ErrNoObject {
			listed, put = test.want, test.want
		}
		if !errors.Is(err, test.want) || !errors.Is(listed, test.want) || !errors.Is(put, test.want) {
			t.Errorf("%s: %v, %v, %v", what, err, listed, put)
		}
	}
}
