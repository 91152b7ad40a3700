package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/glob"
	"millrace/shared/store"
	"millrace/shared/trigger"
)

// startRule says which events start which flow: of objects of a bucket, messages of a queue or topic, or ticks of a timer.
// An event must match all of it; the first rule that matches counts.
type startRule struct {
	Bucket  string   // exact
	Prefix  string   // of the key
	Suffix  string   // of the key
	Events  []string // globs on the event's name; without, ObjectCreated:*
	Queue   string   // of MNS, or its topic; exact
	Timer   string   // name of the trigger; exact
	Flow    string
	Account string // owner of the flow
}

// startRules reads the list of rules, YAML or JSON.
func startRules(text string) ([]startRule, error) {
	var rules []startRule
	if err := decodeYAML([]byte(text), &rules); err != nil {
		return nil, fmt.Errorf("MILLRACE_STARTS%w; it must be a list of {bucket, prefix, suffix, events, flow, account}, {queue, flow, account} or {timer, flow, account}", err)
	}
	for i, r := range rules {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("MILLRACE_STARTS: rule %d: %w", i+1, err)
		}
	}
	return rules, nil
}

func (r *startRule) check() error {
	sources := 0
	for _, source := range []string{r.Bucket, r.Queue, r.Timer} {
		if source != "" {
			sources++
		}
	}
	object := r.Prefix != "" || r.Suffix != "" || len(r.Events) > 0
	switch {
	case sources == 0:
		return errors.New("bucket is missing, or queue or timer in its place")
	case sources > 1:
		return errors.New("bucket, queue and timer are of different events; write a rule for each")
	case r.Bucket == "" && object:
		return errors.New("prefix, suffix and events are for objects of a bucket")
	case !flow.ValidName(r.Flow):
		return fmt.Errorf("flow %q is no name of a flow", r.Flow)
	case r.Account == "":
		return errors.New("account is missing: the owner of the flow, as in the credentials")
	case r.Bucket != "" && r.Prefix == "" && r.Suffix == "":
		return fmt.Errorf("bucket %s needs a prefix or a suffix: whatever the flow writes there would start it again", r.Bucket)
	}
	return nil
}

// match tells whether the rule is for an event.
func (r *startRule) match(s *trigger.Start) bool {
	switch s.Source {
	case trigger.SourceMNS:
		return r.Queue != "" && s.Origin == r.Queue
	case trigger.SourceTimer:
		return r.Timer != "" && s.Origin == r.Timer
	}
	if s.Bucket != r.Bucket || !strings.HasPrefix(s.Key, r.Prefix) || !strings.HasSuffix(s.Key, r.Suffix) {
		return false
	}
	events := r.Events
	if len(events) == 0 {
		events = []string{"ObjectCreated:*"}
	}
	for _, e := range events {
		if glob.Match(e, s.Event) {
			return true
		}
	}
	return false
}

// starter starts executions for events.
type starter struct {
	rules   []startRule
	service *cloudflow.Service
	store   *store.Store
	limits  flow.Limits
	region  string
	log     *slog.Logger
}

// start starts one execution for each event that a rule is for. One that has been started is fine, whatever became of
// it: the event has come again. The others are started also when one fails; then all events come again.
func (s *starter) start(ctx context.Context, starts []trigger.Start) error {
	var errs []error
	for i := range starts {
		e := &starts[i]
		if err := s.startOne(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", described(e), err))
		}
	}
	return errors.Join(errs...)
}

// described is an event in a message.
func described(e *trigger.Start) string {
	if e.Origin != "" {
		return e.Event + " of " + e.Origin
	}
	return e.Event + " of " + e.Bucket + "/" + e.Key
}

func (s *starter) startOne(ctx context.Context, e *trigger.Start) error {
	for i := range s.rules {
		if r := &s.rules[i]; r.match(e) {
			return s.startFlow(ctx, r, e)
		}
	}
	s.log.Info("event without a rule", "event", described(e))
	return nil
}

func (s *starter) startFlow(ctx context.Context, r *startRule, e *trigger.Start) error {
	f, err := s.store.GetFlow(ctx, r.Account, r.Flow)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.FlowNotExists, "Flow '%s' does not exist in account %s.", r.Flow, r.Account)
	} else if err != nil {
		return err
	}
	language := f.Language
	if language == 0 {
		language = flow.Steps // its limit is the lower one
	}
	name := e.Name()
	_, err = s.service.StartExecution(ctx, cloudflow.Caller{Account: r.Account, Region: s.region},
		cloudflow.StartExecutionRequest{FlowName: r.Flow, ExecutionName: name, Input: string(e.Input(s.limits.Data(language)))})
	if fault.CodeOf(err) == fault.ExecutionAlreadyExists {
		return nil
	}
	if err == nil {
		s.log.Info("started", "flow", r.Flow, "execution", name, "event", described(e))
	}
	return err
}
