package cloudflow_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

var owner = cloudflow.Caller{Account: "1234567890123456", Identity: "key", Region: "cn"}

// scheduleHarness is a service over a store in memory, with the flows f (FlowV1) and g
// (StateMachine), and a clock that the test sets.
type scheduleHarness struct {
	*cloudflow.Service
	t   *testing.T
	mem *memstore.Store
	now time.Time
}

func newScheduleHarness(t *testing.T) *scheduleHarness {
	h := &scheduleHarness{t: t, mem: memstore.New(),
		now: time.Date(2026, 1, 1, 0, 0, 0, 5e6, time.UTC)}
	clock := func() time.Time { return h.now }
	s := store.New(store.Options{Driver: h.mem, Now: clock})
	limits := flow.DefaultLimits()
	h.Service = cloudflow.New(cloudflow.Options{Store: s, Limits: limits, Now: clock,
		Engine: engine.New(engine.Options{Store: s, Now: clock, Limits: limits,
			Queue: memqueue.New(memqueue.Options{})}),
	})
	for name, definition := range map[string]string{"f": passFlow,
		"g": "Type: StateMachine\nSpecVersion: v1\nName: g\nStartAt: A\n" +
			"States: [{Name: A, Type: Succeed}]\n"} {
		if _, err := h.CreateFlow(t.Context(), owner,
			cloudflow.CreateFlowRequest{Name: name, Definition: definition}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *scheduleHarness) create(q cloudflow.CreateScheduleRequest) (*cloudflow.Schedule, error) {
	return h.CreateSchedule(h.t.Context(), owner, q)
}

func nightly() cloudflow.CreateScheduleRequest {
	return cloudflow.CreateScheduleRequest{FlowName: "f", ScheduleName: "nightly",
		CronExpression: "0 0 2 * * *", Description: "each night", Payload: `{ "full": false }`}
}

func is(t *testing.T, what string, err error, code fault.Code, texts ...string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("%s: %v, want %q", what, err, code)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", what, err, text)
		}
	}
}

// TestScheduleLife: what was given is returned, and an update changes what it has.
func TestScheduleLife(t *testing.T) {
	h := newScheduleHarness(t)
	ctx, no, yes := t.Context(), false, true
	created, err := h.create(nightly())
	want := &cloudflow.Schedule{Name: "nightly", Description: "each night",
		Payload: `{ "full": false }`, CronExpression: "0 0 2 * * *", Enable: true,
		CreatedTime: h.now.UnixMilli(), LastModifiedTime: h.now.UnixMilli()}
	if err != nil || len(created.ID) != 36 {
		t.Fatalf("%+v, %v", created, err)
	}
	want.ID = created.ID
	same := func(what string, got *cloudflow.Schedule, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, want)
		}
		got, err = h.DescribeSchedule(ctx, owner, cloudflow.ScheduleRequest{FlowName: "f",
			ScheduleName: "nightly"})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s, described: %+v, %v, want %+v", what, got, err, want)
		}
	}
	same("created", created, nil)
	_, err = h.create(nightly())
	is(t, "created twice", err, fault.ScheduleAlreadyExists,
		"The schedule 'nightly' already exists in flow 'f'.")

	text := func(s string) *string { return &s }
	for _, c := range []struct {
		q      cloudflow.UpdateScheduleRequest
		change func()
	}{
		{cloudflow.UpdateScheduleRequest{}, func() {}},
		{cloudflow.UpdateScheduleRequest{CronExpression: text("")}, func() {}},
		{cloudflow.UpdateScheduleRequest{CronExpression: text("@every 5m")},
			func() { want.CronExpression = "@every 5m" }},
		{cloudflow.UpdateScheduleRequest{Description: text(""), Payload: text("")},
			func() { want.Description, want.Payload = "", "" }},
		{cloudflow.UpdateScheduleRequest{Enable: &no, Payload: text(`{}`)},
			func() { want.Enable, want.Payload = false, "{}" }},
		{cloudflow.UpdateScheduleRequest{Description: text("d")},
			func() { want.Description = "d" }},
		{cloudflow.UpdateScheduleRequest{Enable: &yes}, func() { want.Enable = true }},
	} {
		c.q.FlowName, c.q.ScheduleName = "f", "nightly"
		got, err := h.UpdateSchedule(ctx, owner, c.q)
		c.change()
		want.LastModifiedTime++ // also while the clock stands still
		same(fmt.Sprintf("%+v", c.q), got, err)
	}
	one := cloudflow.ScheduleRequest{FlowName: "f", ScheduleName: "nightly"}
	if err := h.DeleteSchedule(ctx, owner, one); err != nil {
		t.Error(err)
	}
	missing := "The schedule 'nightly' for flow 'f' does not exist."
	is(t, "deleted twice", h.DeleteSchedule(ctx, owner, one), fault.ScheduleNotExists, missing)
	_, err = h.DescribeSchedule(ctx, owner, one)
	is(t, "described", err, fault.ScheduleNotExists, missing)
	_, err = h.UpdateSchedule(ctx, owner, cloudflow.UpdateScheduleRequest{FlowName: "f",
		ScheduleName: "nightly"})
	is(t, "updated", err, fault.ScheduleNotExists, missing)
	again, err := h.create(nightly())
	if err != nil || again.ID == created.ID {
		t.Errorf("created again: %+v, %v", again, err)
	}
}

// TestScheduleChecks: bad input is rejected before anything is written, format before existence.
func TestScheduleChecks(t *testing.T) {
	h := newScheduleHarness(t)
	long := strings.Repeat("x", 129)
	for name, c := range map[string]struct {
		edit  func(q *cloudflow.CreateScheduleRequest)
		code  fault.Code
		texts []string
	}{
		"flow name": {func(q *cloudflow.CreateScheduleRequest) { q.FlowName = "9" },
			fault.InvalidArgument, []string{"FlowName"}},
		"name with a digit": {func(q *cloudflow.CreateScheduleRequest) { q.ScheduleName = "9x" },
			fault.InvalidArgument, []string{"ScheduleName"}},
		"long name": {func(q *cloudflow.CreateScheduleRequest) { q.ScheduleName = long },
			fault.InvalidArgument, []string{"1 to 128"}},
		"name with #": {func(q *cloudflow.CreateScheduleRequest) { q.ScheduleName = "a#b" },
			fault.InvalidArgument, nil},
		"expression": {func(q *cloudflow.CreateScheduleRequest) { q.CronExpression = "0 60 * * * *" },
			fault.InvalidArgument, []string{`CronExpression is invalid: minutes "60", at character 3`}},
		"never": {func(q *cloudflow.CreateScheduleRequest) { q.CronExpression = "0 0 0 30 2 ?" },
			fault.InvalidArgument, []string{"never"}},
		"description": {func(q *cloudflow.CreateScheduleRequest) {
			q.Description = strings.Repeat("é", 2049)
		}, fault.InvalidArgument, []string{"Description", "4096"}},
		"payload is a list": {func(q *cloudflow.CreateScheduleRequest) { q.Payload = "[1]" },
			fault.InvalidArgument, []string{"Payload must be a JSON object"}},
		"payload is cut": {func(q *cloudflow.CreateScheduleRequest) { q.Payload = `{"a":` },
			fault.InvalidArgument, []string{"Payload must be a JSON object"}},
		"payload is deep": {func(q *cloudflow.CreateScheduleRequest) {
			q.Payload = strings.Repeat(`{"a":`, 255) + "{}" + strings.Repeat("}", 255)
		}, fault.InvalidArgument, []string{"Payload must be a JSON object"}},
		"huge payload": {func(q *cloudflow.CreateScheduleRequest) {
			q.Payload = `{"a":"` + strings.Repeat("x", 900_000) + `"}`
		}, fault.EntityTooLarge, nil},
		"missing flow": {func(q *cloudflow.CreateScheduleRequest) { q.FlowName = "missing" },
			fault.FlowNotExists, []string{"Flow 'missing' does not exist."}},
		"expression, missing flow": {func(q *cloudflow.CreateScheduleRequest) {
			q.FlowName, q.CronExpression = "missing", "@every 30s"
		}, fault.InvalidArgument, []string{"CronExpression"}},
	} {
		q := nightly()
		c.edit(&q)
		_, err := h.create(q)
		is(t, name, err, c.code, c.texts...)
		if q.CronExpression != "" {
			_, err = h.UpdateSchedule(t.Context(), owner, cloudflow.UpdateScheduleRequest{
				FlowName: q.FlowName, ScheduleName: q.ScheduleName, Payload: &q.Payload,
				CronExpression: &q.CronExpression, Description: &q.Description})
			is(t, name+", update", err, c.code, c.texts...)
		}
	}
	page, err := h.ListSchedules(t.Context(), owner, cloudflow.ListOfFlowRequest{FlowName: "f"})
	if err != nil || len(page.Schedules) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	for _, name := range []string{"_", strings.Repeat("x", 128), "A-b_9"} {
		q := nightly()
		q.ScheduleName = name
		if _, err := h.create(q); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchedulePayloadFits: the largest payload that is accepted starts an execution, and the error
// of a larger one names its size.
func TestSchedulePayloadFits(t *testing.T) {
	h := newScheduleHarness(t)
	for flowName, limit := range map[string]int{"f": 32 << 10, "g": 64 << 10} {
		q := nightly()
		q.FlowName, q.CronExpression = flowName, "0 * * * * *"
		payload := func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }
		q.Payload = payload(limit)
		_, err := h.create(q)
		var accepted int
		if is(t, "too large", err, fault.EntityTooLarge); err != nil {
			_, _ = fmt.Sscanf(err.(*fault.Error).Message,
				"The payload size exceeds maximum allowed size (%d bytes).", &accepted)
		}
		q.Payload = payload(accepted + 1)
		_, err = h.create(q)
		is(t, "a byte too large", err, fault.EntityTooLarge)
		q.Payload = payload(accepted)
		if _, err := h.create(q); err != nil || accepted < limit-200 {
			t.Fatalf("%d of %d: %v", accepted, limit, err)
		}
		input, err := engine.ScheduleInput(q.ScheduleName, q.Payload, h.now.UnixMilli())
		if err != nil || len(input) != limit {
			t.Errorf("input of %d bytes, %v", len(input), err)
		}
		// What the text needs when it is written compactly counts, too: "\/" is shorter than it looks.
		q.ScheduleName, q.Payload = "other-1", `{"a":"`+strings.Repeat("<", accepted-8)+`"}`
		if _, err := h.create(q); err != nil && fault.CodeOf(err) != fault.EntityTooLarge {
			t.Error(err)
		}
	}
}

// TestScheduleLimit: a flow has at most 100 schedules; a name in use comes first.
func TestScheduleLimit(t *testing.T) {
	h := newScheduleHarness(t)
	q := nightly()
	for i := range 100 {
		q.ScheduleName = fmt.Sprintf("s%d", i)
		if _, err := h.create(q); err != nil {
			t.Fatal(err)
		}
	}
	_, err := h.create(q)
	is(t, "a name in use", err, fault.ScheduleAlreadyExists)
	q.ScheduleName = "another"
	_, err = h.create(q)
	is(t, "one more", err, fault.InvalidArgument, "Flow 'f' has its limit of 100 schedules.")
	if err := h.DeleteSchedule(t.Context(), owner,
		cloudflow.ScheduleRequest{FlowName: "f", ScheduleName: "s7"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.create(q); err != nil {
		t.Error(err)
	}
}

// TestListSchedules: pages follow each other by name; a page ends early when it is large; tokens of
// other lists are rejected.
func TestListSchedules(t *testing.T) {
	h := newScheduleHarness(t)
	h.PageBytes = 4000
	var names []string
	for i := range 9 {
		q := nightly()
		q.ScheduleName, q.Payload = fmt.Sprintf("s%d", i), `{"a":"`+strings.Repeat("x", 700)+`"}`
		if i == 4 {
			q.Payload = ""
		}
		names = append(names, q.ScheduleName)
		if _, err := h.create(q); err != nil {
			t.Fatal(err)
		}
	}
	one, many := int64(1), int64(1000)
	for _, limit := range []*int64{nil, &one, &many} {
		var got []string
		pages := 0
		q := cloudflow.ListOfFlowRequest{FlowName: "f", Limit: limit}
		for more := true; more; more = q.NextToken != "" {
			page, err := h.ListSchedules(t.Context(), owner, q)
			if err != nil || page.Schedules == nil {
				t.Fatal(page, err)
			}
			for _, s := range page.Schedules {
				got = append(got, s.Name)
			}
			pages++
			q.NextToken = page.NextToken
		}
		if !reflect.DeepEqual(got, names) || pages < 3 || pages > 9 {
			t.Errorf("%d pages: %v", pages, got)
		}
	}
	page, err := h.ListSchedules(t.Context(), owner,
		cloudflow.ListOfFlowRequest{FlowName: "f", Limit: &one})
	if err != nil || page.NextToken == "" {
		t.Fatal(page, err)
	}
	flows, err := h.ListFlows(t.Context(), owner, cloudflow.ListFlowsRequest{Limit: &one})
	if err != nil || flows.NextToken == "" {
		t.Fatal(flows, err)
	}
	zero, above := int64(0), int64(1001)
	for name, q := range map[string]cloudflow.ListOfFlowRequest{
		"a token of ListFlows":    {FlowName: "f", NextToken: flows.NextToken},
		"a token of another flow": {FlowName: "g", NextToken: page.NextToken},
		"no token":                {FlowName: "f", NextToken: "%%"},
		"a name":                  {FlowName: "f", NextToken: "s3"},
		"limit 0":                 {FlowName: "f", Limit: &zero},
		"limit 1001":              {FlowName: "f", Limit: &above},
		"no flow name":            {FlowName: "9"},
		"a cut token of its own":  {FlowName: "f", NextToken: page.NextToken[:20]},
	} {
		_, err := h.ListSchedules(t.Context(), owner, q)
		is(t, name, err, fault.InvalidArgument)
	}
	_, err = h.ListFlows(t.Context(), owner, cloudflow.ListFlowsRequest{NextToken: page.NextToken})
	is(t, "ListFlows with its token", err, fault.InvalidArgument)
	_, err = h.ListExecutions(t.Context(), owner,
		cloudflow.ListExecutionsRequest{FlowName: "f", NextToken: page.NextToken})
	is(t, "ListExecutions with its token", err, fault.InvalidArgument)
	_, err = h.ListSchedules(t.Context(), owner, cloudflow.ListOfFlowRequest{FlowName: "missing"})
	is(t, "a missing flow", err, fault.FlowNotExists)
	other := owner
	other.Account = "6543210987654321"
	_, err = h.ListSchedules(t.Context(), other, cloudflow.ListOfFlowRequest{FlowName: "f"})
	is(t, "another account", err, fault.FlowNotExists)
}

// only returns a caller that may do what is listed, and nothing else.
func only(identity string, actions ...string) cloudflow.Caller {
	c := owner
	c.Identity = identity
	c.May = access.MayOf([]access.Policy{{Statements: []access.Statement{{Effect: "Allow",
		Actions: actions, Resources: []string{"acs:fnf:*:*:flow/f"}}}}}, c.Account, c.Region)
	return c
}

// TestScheduleAuthor: who enables a schedule, or changes one that is enabled, must have the right
// to start the flow, because the schedule starts it with the rights of that key.
func TestScheduleAuthor(t *testing.T) {
	h := newScheduleHarness(t)
	ctx, yes, no := t.Context(), true, false
	writer := only("writer", "fnf:CreateSchedule", "fnf:UpdateSchedule")
	starter := only("starter", "fnf:CreateSchedule", "fnf:UpdateSchedule", "fnf:StartExecution")
	q := nightly()
	_, err := h.CreateSchedule(ctx, writer, q)
	is(t, "created enabled", err, fault.AccessDenied, "fnf:StartExecution", "flow/f")
	q.Enable = &no
	if _, err := h.CreateSchedule(ctx, writer, q); err != nil {
		t.Error(err)
	}
	author := func(want string) {
		t.Helper()
		f, err := h.Store.GetFlow(ctx, owner.Account, "f")
		if err != nil {
			t.Fatal(err)
		}
		s, err := h.Store.GetSchedule(ctx, store.ScheduleKey(f.ID, "nightly"))
		if err != nil || s.Author != want {
			t.Errorf("author %q, want %q, %v", s.Author, want, err)
		}
	}
	author("writer")
	update := cloudflow.UpdateScheduleRequest{FlowName: "f", ScheduleName: "nightly", Enable: &yes}
	_, err = h.UpdateSchedule(ctx, writer, update)
	is(t, "enabled", err, fault.AccessDenied, "fnf:StartExecution")
	author("writer")
	if _, err = h.UpdateSchedule(ctx, starter, update); err != nil {
		t.Error(err)
	}
	author("starter")
	payload := `{"mine":1}`
	update = cloudflow.UpdateScheduleRequest{FlowName: "f", ScheduleName: "nightly",
		Payload: &payload}
	_, err = h.UpdateSchedule(ctx, writer, update)
	is(t, "payload of another key's schedule", err, fault.AccessDenied)
	author("starter")
	update.Enable = &no
	if _, err = h.UpdateSchedule(ctx, writer, update); err != nil {
		t.Error(err)
	}
	author("writer")
}

// TestScheduleAnswersHide: the response of an update, and the list, show a caller no more than
// DescribeSchedule would.
func TestScheduleAnswersHide(t *testing.T) {
	h := newScheduleHarness(t)
	if _, err := h.create(nightly()); err != nil {
		t.Fatal(err)
	}
	description := "new"
	for _, c := range []struct {
		caller cloudflow.Caller
		whole  bool
	}{
		{only("x", "fnf:UpdateSchedule", "fnf:StartExecution", "fnf:ListSchedules"), false},
		{only("x", "fnf:*"), true}, {owner, true},
	} {
		got, err := h.UpdateSchedule(t.Context(), c.caller, cloudflow.UpdateScheduleRequest{
			FlowName: "f", ScheduleName: "nightly", Description: &description})
		if err != nil || got.Description != "new" || (got.Payload != "") != c.whole ||
			(got.CronExpression != "") != c.whole {
			t.Errorf("updated: %+v, %v", got, err)
		}
		page, err := h.ListSchedules(t.Context(), c.caller,
			cloudflow.ListOfFlowRequest{FlowName: "f"})
		if err != nil || len(page.Schedules) != 1 || (page.Schedules[0].Payload != "") != c.whole {
			t.Errorf("listed: %+v, %v", page, err)
		}
	}
}

// TestScheduleLostReplies: a write that was applied although its reply was lost is a success when
// it is repeated, and a change that loses races is made again.
func TestScheduleLostReplies(t *testing.T) {
	h := newScheduleHarness(t)
	ctx := t.Context()
	conflictAfter := func(op string, times int) {
		h.mem.After = func(done string, k driver.Key) error {
			if _, _, ok := store.ParseScheduleKey(k); ok && done == op && times > 0 {
				times--
				return driver.ErrConflict // what a repeat of the write by an SDK gives
			}
			return nil
		}
	}
	conflictAfter(memstore.OpCommit, 1)
	if _, err := h.create(nightly()); err != nil {
		t.Errorf("created: %v", err)
	}
	one := cloudflow.ScheduleRequest{FlowName: "f", ScheduleName: "nightly"}
	update := cloudflow.UpdateScheduleRequest{FlowName: "f", ScheduleName: "nightly"}
	conflictAfter(memstore.OpCommit, 3)
	if _, err := h.UpdateSchedule(ctx, owner, update); err != nil {
		t.Errorf("updated: %v", err)
	}
	conflictAfter(memstore.OpCommit, 100)
	_, err := h.UpdateSchedule(ctx, owner, update)
	is(t, "updated under contention", err, fault.ConcurrentUpdateError)
	conflictAfter(memstore.OpDelete, 1)
	if err := h.DeleteSchedule(ctx, owner, one); err != nil {
		t.Errorf("deleted: %v", err)
	}
	h.mem.After = nil
	_, err = h.DescribeSchedule(ctx, owner, one)
	is(t, "deleted", err, fault.ScheduleNotExists)

	if _, err := h.create(nightly()); err != nil {
		t.Fatal(err)
	}
	h.mem.Before = func(op string, k driver.Key) error {
		if _, _, ok := store.ParseScheduleKey(k); ok && op == memstore.OpDelete {
			h.mem.Before = nil
			if err := h.DeleteSchedule(ctx, owner, one); err != nil {
				t.Error(err)
			}
			if _, err := h.create(nightly()); err != nil { // another one, which must stay
				t.Error(err)
			}
		}
		return nil
	}
	if err := h.DeleteSchedule(ctx, owner, one); err != nil {
		t.Error(err)
	}
	if _, err := h.DescribeSchedule(ctx, owner, one); err != nil {
		t.Errorf("a schedule of the same name was deleted: %v", err)
	}
	h.mem.Before = func(op string, k driver.Key) error {
		if _, _, ok := store.ParseScheduleKey(k); ok {
			return errors.New("the store is away")
		}
		return nil
	}
	_, err = h.create(nightly())
	is(t, "without a store", err, fault.InternalServerError)
	is(t, "without a store", h.DeleteSchedule(ctx, owner, one), fault.InternalServerError)
}
