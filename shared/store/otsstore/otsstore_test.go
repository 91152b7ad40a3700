package otsstore_test

import (
	"context"
	"net/http"
	"testing"

	"millrace/shared/alibaba"
	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/shared/store/storetest"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

const table = "millrace"

// newClient returns a client of an emulator; through transport if that is not nil.
func newClient(server *tablestore.Server, transport http.RoundTripper) *otsstore.Client {
	if transport == nil {
		transport = server
	}
	return otsstore.NewClient(otsstore.ClientOptions{Endpoint: "http://tablestore.test",
		Instance:    tablestore.DefaultInstance,
		Credentials: key(tablestore.DefaultKey), Transport: transport})
}

// key returns a source of fixed credentials.
func key(k tablestore.Key) func(context.Context) (alibaba.Credentials, error) {
	return func(context.Context) (alibaba.Credentials, error) {
		return alibaba.Credentials{AccessKeyID: k.ID, AccessKeySecret: k.Secret,
			SecurityToken: k.Token}, nil
	}
}

// open opens a store on empty tables of an emulator. open sets the client and the table of o.
func open(t *testing.T, server *tablestore.Server, o otsstore.Options) *otsstore.Store {
	t.Helper()
	if o.Client == nil {
		o.Client = newClient(server, nil)
	}
	o.Table = table
	s := otsstore.New(o)
	t.Cleanup(func() { s.Close() })
	if err := s.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		server := tablestore.New(tablestore.Options{})
		s := open(t, server, otsstore.Options{})
		return storetest.Harness{Driver: s, Reopen: func() driver.Driver {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = otsstore.New(otsstore.Options{Client: newClient(server, nil), Table: table})
			return s
		}}
	})
}
