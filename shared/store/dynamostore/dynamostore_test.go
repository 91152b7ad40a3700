package dynamostore_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/shared/store/storetest"
	"millrace/tests/clouds/emulators"
)

// newClient returns a client of an emulator; through transport if that is not nil.
func newClient(endpoint string, transport http.RoundTripper) *dynamodb.Client {
	return dynamostore.NewClient(emulators.Config(endpoint, transport))
}

// newTable creates an empty table.
func newTable(t *testing.T, endpoint string) string {
	t.Helper()
	table := emulators.Unique("millrace")
	if err := dynamostore.CreateTable(t.Context(), newClient(endpoint, nil), table); err != nil {
		t.Fatal(err)
	}
	return table
}

// open opens a store on an empty table; through transport if that is not nil.
func open(t *testing.T, endpoint string, transport http.RoundTripper) *dynamostore.Store {
	t.Helper()
	s := dynamostore.New(dynamostore.Options{Client: newClient(endpoint, transport),
		Table: newTable(t, endpoint)})
	t.Cleanup(func() { s.Close() })
	return s
}

// maxData is the longest data of a row in the suite: parts of values have 256 KB.
const maxData = 300 << 10

func TestConformance(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		table := newTable(t, endpoint)
		o := dynamostore.Options{Client: newClient(endpoint, nil), Table: table}
		s := dynamostore.New(o)
		return storetest.Harness{Driver: s, MaxData: maxData, Reopen: func() driver.Driver {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			o.Client = newClient(endpoint, nil)
			s = dynamostore.New(o)
			return s
		}}
	})
}
