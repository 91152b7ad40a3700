package otsstore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// TestErrors: an error says what is wrong and what to do.
func TestErrors(t *testing.T) {
	expired := tablestore.Key{ID: "sts", Secret: "s", Token: "t", Expires: time.Unix(1, 0)}
	denied := tablestore.Key{ID: "denied", Secret: "s", Deny: []string{"GetRow"}}
	server := tablestore.New(tablestore.Options{
		Keys: []tablestore.Key{tablestore.DefaultKey, expired, denied}})
	get := func(o otsstore.ClientOptions, name string) error {
		if o.Endpoint == "" {
			o.Endpoint, o.Transport = "http://tablestore.test", server
		}
		if o.Credentials == nil {
			o.Credentials = key(tablestore.DefaultKey)
		}
		if o.Instance == "" {
			o.Instance = tablestore.DefaultInstance
		}
		_, err := otsstore.New(otsstore.Options{Client: otsstore.NewClient(o), Table: name,
			RetryFor: 50 * time.Millisecond}).Get(t.Context(), keyA)
		return err
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"no table": {get(otsstore.ClientOptions{}, "nowhere"),
			"there is no such table or index; create the tables"},
		"no instance": {get(otsstore.ClientOptions{Instance: "other"}, table),
			"there is no such instance at this endpoint"},
		"unknown key": {get(otsstore.ClientOptions{
			Credentials: key(tablestore.Key{ID: "x", Secret: "y"})}, table),
			"the access key is not valid here"},
		"wrong secret": {get(otsstore.ClientOptions{
			Credentials: key(tablestore.Key{ID: "test", Secret: "y"})}, table),
			"the secret is not the access key's"},
		"expired token": {get(otsstore.ClientOptions{Credentials: key(expired)}, table),
			"the STS token has expired or is not valid"},
		"no permission": {get(otsstore.ClientOptions{Credentials: key(denied)}, table),
			"allow ots:GetRow"},
		"no credentials": {get(otsstore.ClientOptions{Credentials: key(tablestore.Key{})}, table),
			"there are no usable credentials"},
		"failing credentials": {get(otsstore.ClientOptions{
			Credentials: func(context.Context) (alibaba.Credentials, error) {
				return alibaba.Credentials{}, errors.New("the role cannot be assumed")
			}}, table), "the role cannot be assumed"},
		"no host": {get(otsstore.ClientOptions{Endpoint: "http://nowhere.invalid"}, table),
			"nowhere.invalid"},
		"no server": {get(otsstore.ClientOptions{Endpoint: "http://127.0.0.1:1"}, table),
			"nothing answers at the endpoint"},
		"no endpoint": {get(otsstore.ClientOptions{Endpoint: "millrace"}, table),
			"the endpoint is no URL"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.err == nil || errors.Is(test.err, driver.ErrNotFound) ||
				!strings.Contains(test.err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", test.err, test.want)
			}
			if strings.Contains(fmt.Sprint(test.err), "secret-") {
				t.Errorf("%v shows a secret", test.err)
			}
		})
	}
}

// TestBadResponses: a response that breaks the service's contract is an error, not a panic.
func TestBadResponses(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	for name, body := range map[string]string{"empty": "", "nonsense": "<html>",
		"no units": "\x0a\x02\x0a\x00\x12\x00",
		"no row":   "\x0a\x06\x0a\x04\x08\x00\x10\x00\x12\x04\x75\x00\x00\x00"} {
		t.Run(name, func(t *testing.T) {
			responding := roundTripper(func(*http.Request) (*http.Response, error) {
				w := httptest.NewRecorder()
				w.WriteString(body)
				return w.Result(), nil
			})
			s := otsstore.New(otsstore.Options{Client: newClient(server, responding), Table: table,
				RetryFor: 50 * time.Millisecond})
			_, err := s.Get(t.Context(), keyA)
			if err == nil || errors.Is(err, driver.ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
			if err := s.Commit(t.Context(), nil, row(1, ""), absent); name != "no row" &&
				err == nil || errors.Is(err, driver.ErrConflict) {
				t.Errorf("Commit: %v", err)
			}
		})
	}
}

// TestInvalidRows: rows that TableStore does not accept are rejected before anything is written.
func TestInvalidRows(t *testing.T) {
	server := tablestore.New(tablestore.Options{})
	s := open(t, server, otsstore.Options{})
	long := strings.Repeat("k", 1025)
	for name, r := range map[string]driver.Row{
		"no partition":   {Key: driver.Key{Sort: "a"}},
		"no sort":        {Key: driver.Key{Partition: "p"}},
		"long partition": {Key: driver.Key{Partition: long, Sort: "a"}},
		"long sort":      {Key: driver.Key{Partition: "p", Sort: long}},
		"not UTF-8":      {Key: driver.Key{Partition: "p", Sort: "\xff"}},
		"fence":          {Key: keyA, Fence: "\xff"},
		"long data":      {Key: keyA, Data: make([]byte, 2<<20+1)},
		"no group":       {Key: keyA, List: &driver.ListEntry{Sort: "s"}},
		"long list sort": {Key: keyA, List: &driver.ListEntry{Group: "g", Sort: long}},
	} {
		if err := s.Put(t.Context(), []driver.Row{{Key: keyA}, r}); err == nil {
			t.Errorf("%s: Put answers nil", name)
		}
		if err := s.Commit(t.Context(), []driver.Row{{Key: keyA}}, r, absent); err == nil ||
			errors.Is(err, driver.ErrConflict) {
			t.Errorf("%s: Commit: %v", name, err)
		}
	}
	if _, err := s.Get(t.Context(), keyA); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("something was written: %v", err)
	}
	if _, _, err := s.Range(t.Context(), driver.Range{Partition: "p", From: long}); err == nil {
		t.Error("a bound that is too long is taken")
	}
	largest := row(1, strings.Repeat("d", 2<<20))
	if err := s.Commit(t.Context(), nil, largest, absent); err != nil {
		t.Errorf("2 MB: %v", err)
	}
	if _, _, err := s.Due(t.Context(), 0, math.MaxInt64, "", 0); err != nil {
		t.Errorf("Due of all: %v", err)
	}
}
