package lambda

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Clock is the clock of executions in functions that are compiled for it: the machine's, moved ahead. Functions that
// are deployed have no such clock, whatever their environment says.
type Clock struct {
	path string
	mu   sync.Mutex
	by   time.Duration
}

func newClock(t testing.TB) *Clock {
	c := &Clock{path: filepath.Join(t.TempDir(), "clock")}
	if err := c.Move(0); err != nil {
		t.Fatal(err)
	}
	return c
}

// variable tells a function where the clock is.
func (c *Clock) variable() string { return "TEST_CLOCK_FILE=" + c.path }

// Now is the time by this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

// Move moves the clock ahead.
func (c *Clock) Move(by time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += by
	next := c.path + ".next"
	if err := os.WriteFile(next, strconv.AppendInt(nil, c.by.Milliseconds(), 10), 0o600); err != nil {
		return err
	}
	return os.Rename(next, c.path)
}

// MoveTo moves the clock to a time, unless it is past that already.
func (c *Clock) MoveTo(t time.Time) error {
	if by := t.Sub(c.Now()); by > 0 {
		return c.Move(by)
	}
	return nil
}

// quietLooks is in how many looks in a row nothing must go on until time is skipped.
const quietLooks = 3

// skip moves the clock to the next wake time of an execution, and sweeps, whenever nothing goes on but waiting.
func (s *Stack) skip(ctx context.Context) {
	for quiet := 0; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if !s.Idle() {
			quiet = 0
			continue
		}
		if quiet++; quiet < quietLooks {
			continue
		}
		quiet = 0
		wake, ok := s.NextWake()
		if !ok {
			continue
		}
		if err := s.Clock.MoveTo(wake.Add(time.Millisecond)); err != nil {
			s.t.Error(err)
			return
		}
		s.Sweep()
	}
}

// Idle tells whether nothing goes on: no invocation, no message to be delivered now, and nothing outside.
func (s *Stack) Idle() bool {
	return s.API.Idle() && s.Runner.Idle() && s.Sweeper.Idle() && (s.busy == nil || !s.busy()) && s.drained() && s.Runner.Idle()
}

// NextWake is the earliest wake time of an execution.
func (s *Stack) NextWake() (time.Time, bool) {
	first := int64(0)
	s.scan("begins_with(p, :x) AND attribute_exists(k)", map[string]types.AttributeValue{":x": &types.AttributeValueMemberS{Value: "x#"}},
		func(item map[string]types.AttributeValue) {
			n, _ := item["k"].(*types.AttributeValueMemberN)
			if n == nil {
				return
			}
			if at, err := strconv.ParseInt(n.Value, 10, 64); err == nil && (first == 0 || at < first) {
				first = at
			}
		})
	return time.UnixMilli(first), first > 0
}

// scan hands every row of the table that a filter lets through to f.
func (s *Stack) scan(filter string, values map[string]types.AttributeValue, f func(item map[string]types.AttributeValue)) {
	s.t.Helper()
	pages := dynamodb.NewScanPaginator(s.Dynamo, &dynamodb.ScanInput{TableName: &s.Table, FilterExpression: &filter, ExpressionAttributeValues: values})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			if !strings.Contains(err.Error(), "connection refused") { // the emulator has ended
				s.t.Error(err)
			}
			return
		}
		for _, item := range page.Items {
			f(item)
		}
	}
}

// Hurry makes every row due whose wake time lies ahead, as if minutes had gone by: waking early is harmless.
func (s *Stack) Hurry() {
	s.t.Helper()
	values := map[string]types.AttributeValue{":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().UnixMilli(), 10)}}
	s.scan("k > :now", values, func(item map[string]types.AttributeValue) {
		key := map[string]types.AttributeValue{"p": item["p"], "s": item["s"]}
		_, err := s.Dynamo.UpdateItem(s.t.Context(), &dynamodb.UpdateItemInput{TableName: &s.Table, Key: key, UpdateExpression: aws.String("SET k = :now"),
			ConditionExpression: aws.String("k > :now"), ExpressionAttributeValues: values})
		var moved *types.ConditionalCheckFailedException
		if err != nil && !errors.As(err, &moved) {
			s.t.Error(err)
		}
	})
}
