package dynamostore_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/tests/clouds/emulators"
)

// callAll makes each call that can meet a fault of the table, and returns their errors.
func callAll(t *testing.T, s *dynamostore.Store) map[string]error {
	errs := map[string]error{}
	_, errs["Get"] = s.Get(t.Context(), keyA)
	_, _, errs["Range"] = s.Range(t.Context(), driver.Range{Partition: "p", From: "a"})
	_, _, errs["List"] = s.List(t.Context(), driver.ListRange{Group: "g", From: "a"})
	_, _, errs["Due"] = s.Due(t.Context(), 0, 1, "", 1)
	listed := row(1, "")
	listed.Wake, listed.List = 1, &driver.ListEntry{Group: "g", Sort: "s"}
	errs["Commit"] = s.Commit(t.Context(), nil, listed, absent)
	errs["Put"] = s.Put(t.Context(), []driver.Row{listed,
		{Key: driver.Key{Partition: "p", Sort: "q"}}})
	errs["Delete"] = s.Delete(t.Context(), keyA, nil)
	return errs
}

// wantAdvice checks that calls fail with an error that says what to do; all calls if only is empty.
func wantAdvice(t *testing.T, s *dynamostore.Store, want string, only ...string) {
	t.Helper()
	for name, err := range callAll(t, s) {
		concerned := len(only) == 0
		for _, o := range only {
			concerned = concerned || o == name
		}
		switch {
		case !concerned:
		case err == nil:
			t.Errorf("%s answers nil", name)
		case errors.Is(err, driver.ErrConflict), errors.Is(err, driver.ErrNotFound),
			!strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q in it", name, err, want)
		}
	}
}

func TestMissingTable(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	s := dynamostore.New(dynamostore.Options{Client: newClient(endpoint, nil), Table: "nobody"})
	wantAdvice(t, s, "there is no such table")
	if err := dynamostore.CheckTable(t.Context(), newClient(endpoint, nil), "nobody"); err == nil ||
		!strings.Contains(err.Error(), "there is no such table") {
		t.Errorf("CheckTable: %v", err)
	}
}

// TestWrongSchema: for a table with another schema, the calls that meet the difference, and
// CheckTable, name what is wrong.
func TestWrongSchema(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	client := newClient(endpoint, nil)
	for _, c := range []struct {
		name   string
		change func(in *dynamodb.CreateTableInput)
		want   string
		only   []string
		check  string
	}{
		{"other keys", func(in *dynamodb.CreateTableInput) {
			in.KeySchema[0].AttributeName = aws.String("pk")
			in.KeySchema[1].AttributeName = aws.String("sk")
			in.AttributeDefinitions = append(in.AttributeDefinitions[2:],
				types.AttributeDefinition{AttributeName: aws.String("pk"), AttributeType: "S"},
				types.AttributeDefinition{AttributeName: aws.String("sk"), AttributeType: "S"})
		}, "keys are not those", []string{"Get", "Range", "Commit", "Put", "Delete"},
			"keys: want p:S,s:S"},
		{"keys of another type", func(in *dynamodb.CreateTableInput) {
			in.AttributeDefinitions[1].AttributeType = "N"
		}, "keys are not those", []string{"Get", "Range", "Commit", "Put", "Delete"},
			"keys: want p:S,s:S"},
		{"no sort key", func(in *dynamodb.CreateTableInput) {
			in.KeySchema = in.KeySchema[:1]
			in.AttributeDefinitions = append(in.AttributeDefinitions[:1:1],
				in.AttributeDefinitions[2:]...)
		}, "keys are not those", []string{"Get", "Range", "Delete"}, "keys: want p:S,s:S"},
		{"no indexes", func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes, in.AttributeDefinitions = nil, in.AttributeDefinitions[:2]
		}, "has no index", []string{"List", "Due"}, "index wake"},
		{"one index", func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes = in.GlobalSecondaryIndexes[:1]
			in.AttributeDefinitions = in.AttributeDefinitions[:4]
		}, "has no index", []string{"List"}, "index list"},
		{"wake time as text", func(in *dynamodb.CreateTableInput) {
			in.AttributeDefinitions[3].AttributeType = "S"
		}, "keys are not those", []string{"Commit", "Put"}, "index wake: want w:N,k:N"},
		{"everything projected", func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes[1].Projection = &types.Projection{
				ProjectionType: types.ProjectionTypeAll}
		}, "", []string{"none"}, "index list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := emulators.Unique("shape")
			in := dynamostore.Schema(table)
			c.change(in)
			if _, err := client.CreateTable(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			delays := func(o *dynamodb.TableExistsWaiterOptions) {
				o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
			}
			describe := &dynamodb.DescribeTableInput{TableName: &table}
			wait := dynamodb.NewTableExistsWaiter(client, delays)
			if err := wait.Wait(t.Context(), describe, time.Minute); err != nil {
				t.Fatal(err)
			}
			wantAdvice(t, dynamostore.New(dynamostore.Options{Client: client, Table: table}),
				c.want, c.only...)
			for _, check := range []func() error{
				func() error { return dynamostore.CheckTable(t.Context(), client, table) },
				func() error { return dynamostore.CreateTable(t.Context(), client, table) },
			} {
				if err := check(); err == nil || !strings.Contains(err.Error(), c.check) {
					t.Errorf("got %v, want %q in it", err, c.check)
				}
			}
		})
	}
}

func TestCreateTableTwice(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	table := newTable(t, endpoint)
	if err := dynamostore.CreateTable(t.Context(), newClient(endpoint, nil), table); err != nil {
		t.Fatal(err)
	}
}

func TestServiceErrorsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		code, message, want string
	}{
		{"AccessDeniedException",
			"User: arn:aws:sts::1:assumed-role/x is not authorized to perform: dynamodb:PutItem",
			"dynamodb:PutItem"},
		{"AccessDeniedException", "no", "a permission is missing"},
		{"UnrecognizedClientException", "The security token included in the request is invalid.",
			"the credentials are not valid here"},
		{"InvalidSignatureException", "Signature expired", "the clock"},
		{"ExpiredTokenException", "no", "the credentials are not valid here"},
		{"ResourceNotFoundException", "Requested resource not found", `in region "us-east-1"`},
		{"ValidationException", "Item size has exceeded the maximum allowed size",
			"longer than DynamoDB takes"},
	} {
		t.Run(c.code, func(t *testing.T) {
			reject := func(call emulators.Call) (*http.Response, error) {
				return call.Refuse(http.StatusBadRequest, c.code, c.message)
			}
			s := dynamostore.New(dynamostore.Options{
				Client: newClient("http://127.0.0.1:1", emulators.Faulty(reject)), Table: "some"})
			wantAdvice(t, s, c.want)
		})
	}
}

func TestNothingListens(t *testing.T) {
	client := newClient("http://127.0.0.1:1", nil)
	s := dynamostore.New(dynamostore.Options{Client: client, Table: "some",
		RetryFor: 50 * time.Millisecond})
	wantAdvice(t, s, "nothing answers at the endpoint")
}

func TestNoRegion(t *testing.T) {
	cfg := emulators.Config("", nil)
	cfg.Region, cfg.BaseEndpoint = "", nil
	s := dynamostore.New(dynamostore.Options{Client: dynamostore.NewClient(cfg), Table: "some"})
	wantAdvice(t, s, "AWS_REGION")
}

// TestInvalidRows: rows and keys that DynamoDB does not accept, or would store as others, are
// rejected before anything is sent.
func TestInvalidRows(t *testing.T) {
	sent := func(c emulators.Call) (*http.Response, error) {
		t.Errorf("sent: %s", c.Body)
		return c.Refuse(http.StatusBadRequest, "ValidationException", "no")
	}
	s := dynamostore.New(dynamostore.Options{
		Client: newClient("http://127.0.0.1:1", emulators.Faulty(sent)), Table: "some"})
	for name, r := range map[string]driver.Row{
		"no partition":          {Key: driver.Key{Sort: "a"}},
		"no sort key":           {Key: driver.Key{Partition: "p"}},
		"partition not UTF-8":   {Key: driver.Key{Partition: "p\xff", Sort: "a"}},
		"sort key not UTF-8":    {Key: driver.Key{Partition: "p", Sort: "a\xff"}},
		"fence not UTF-8":       {Key: keyA, Fence: "\xff"},
		"no list group":         {Key: keyA, List: &driver.ListEntry{Sort: "s"}},
		"no list sort":          {Key: keyA, List: &driver.ListEntry{Group: "g"}},
		"list group not UTF-8":  {Key: keyA, List: &driver.ListEntry{Group: "\xff", Sort: "s"}},
		"list sort key no UTF8": {Key: keyA, List: &driver.ListEntry{Group: "g", Sort: "\xff"}},
	} {
		if err := s.Put(t.Context(), []driver.Row{r}); err == nil {
			t.Errorf("%s: Put answers nil", name)
		}
		if err := s.Commit(t.Context(), []driver.Row{row(0, "")}, r, absent); err == nil {
			t.Errorf("%s: Commit answers nil", name)
		}
	}
	if _, err := s.Get(t.Context(), driver.Key{Partition: "\xff", Sort: "a"}); err == nil ||
		errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if _, _, err := s.Range(t.Context(), driver.Range{Partition: "p", From: "\xff"}); err == nil {
		t.Error("Range answers nil")
	}
}
