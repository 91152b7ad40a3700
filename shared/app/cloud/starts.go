package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/events"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/glob"
	"millrace/shared/store"
	"millrace/shared/value"
)

// startRule says which events start which flow: events of objects of a bucket, messages of a queue
// or topic, or ticks of a timer, and by which way they must come. An event must match all fields.
// The first rule that matches applies.
type startRule struct {
	Bucket  string   // exact
	By      string   // queue, topic or bus that delivers the bucket's events; "": the bucket itself
	Prefix  string   // of the key
	Suffix  string   // of the key
	Folders bool     // include folder markers: empty objects whose keys end with a slash
	Events  []string // globs of event names; default ObjectCreated:*
	Queue   string   // SQS or MNS queue, or a topic
	Timer   string   // exact name of the trigger
	Flow    string   // name, or name/qualifier
	Account string   // owner of the flow
}

// startRules parses the list of rules, YAML or JSON.
func startRules(text string) ([]startRule, error) {
	var rules []startRule
	if err := config.Decode("MILLRACE_STARTS", text, &rules,
		"it must be a list of {bucket, by, prefix, suffix, folders, events, flow, account}, "+
			"{queue, flow, account} or {timer, flow, account}"); err != nil {
		return nil, err
	}
	for i, r := range rules {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("MILLRACE_STARTS: rule %d: %w", i+1, err)
		}
	}
	for _, r := range rules {
		if slices.ContainsFunc(rules, func(o startRule) bool {
			return isQueue(o.By, r.Queue) ||
				isQueue(r.Queue, o.By)
		}) {
			return nil, fmt.Errorf("MILLRACE_STARTS: queue %s cannot be both: its messages are "+
				"either events of a bucket (by) or messages (queue)", r.Queue)
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
	object := r.By != "" || r.Prefix != "" || r.Suffix != "" || r.Folders || len(r.Events) > 0
	switch {
	case sources == 0:
		return errors.New("bucket is missing, or queue or timer in its place")
	case sources > 1:
		return errors.New("bucket, queue and timer are of different events; write a rule for each")
	case r.Bucket == "" && object:
		return errors.New("by, prefix, suffix, folders and events are for objects of a bucket")
	case !isQualifiedName(r.Flow):
		return fmt.Errorf("flow %q is no name of a flow, nor name/qualifier", r.Flow)
	case r.Account == "":
		return errors.New("account is missing: the owner of the flow, as in the credentials")
	case r.Bucket != "" && r.Prefix == "" && r.Suffix == "":
		return fmt.Errorf("bucket %s needs a prefix or a suffix: whatever the flow writes there "+
			"would start it again", r.Bucket)
	}
	return nil
}

// isQualifiedName reports whether s is the name of a flow, alone or with a qualifier.
func isQualifiedName(s string) bool {
	name, qualifier, qualified := strings.Cut(s, "/")
	return flow.ValidName(name) && (!qualified || flow.ValidQualifier(qualifier))
}

// match reports whether the rule is for an event, whichever way it came.
func (r *startRule) match(s *events.StartEvent) bool {
	switch s.Source {
	case events.SourceMNS, events.SourceSQS, events.SourceSNS:
		return isQueue(r.Queue, s.Via)
	case events.SourceTimer:
		return r.Timer != "" && s.Origin == r.Timer
	}
	if s.Bucket != r.Bucket || !strings.HasPrefix(s.Key, r.Prefix) ||
		!strings.HasSuffix(s.Key, r.Suffix) {
		return false
	}
	events := r.Events
	if len(events) == 0 {
		events = []string{"ObjectCreated:*"}
	}
	return slices.ContainsFunc(events, func(e string) bool { return glob.Match(e, s.Event) })
}

// matchesVia reports whether an event that matches the rule came by the rule's way.
func (r *startRule) matchesVia(s *events.StartEvent) bool {
	return r.Bucket == "" || r.By == "" && s.Via == "" || isQueue(r.By, s.Via)
}

// viaText names a way in a message.
func viaText(queue string) string {
	if queue == "" {
		return "straight from its source"
	}
	return "by " + queue
}

// busResource is the prefix of an event bus's name inside an event; it has neither region nor
// account.
const busResource = "eventbus/"

// isQueue reports whether a rule's name of a queue, topic or bus matches the source of a message. A
// full resource name must be equal; a short name must equal the last part.
func isQueue(name, source string) bool {
	if strings.Contains(name, ":") {
		return name == source || strings.HasPrefix(name, "acs:eventbridge:") &&
			strings.HasPrefix(source, busResource) &&
			strings.HasSuffix(name, ":"+source)
	}
	return name != "" && name == events.QueueName(source)
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

// handle starts the executions of a delivery. Only the way that it came decides how it is read. The
// readable events are started even if others cannot be read or their flows cannot be started. In
// that case the delivery fails and comes again, which does not repeat executions: their names are
// derived from the events.
func (s *starter) handle(ctx context.Context, d events.Delivery) error {
	starts, err := s.read(d)
	return errors.Join(err, s.start(ctx, starts))
}

// read returns the events of a delivery, and an error for those that cannot be read.
func (s *starter) read(d events.Delivery) ([]events.StartEvent, error) {
	if d.Direct {
		return events.DecodeStartEvents([]byte(d.Body))
	}
	d.Source = s.viaOf(d.Message)
	for i := range s.rules {
		switch r := &s.rules[i]; {
		case isQueue(r.Queue, d.Source):
			m, err := events.StartEventOf(d.Message)
			if err != nil {
				return nil, err
			}
			return []events.StartEvent{m}, nil
		case isQueue(r.By, d.Source):
			starts, err := events.DecodeObjects([]byte(d.Body))
			for i := range starts {
				starts[i].Via = d.Source
			}
			return starts, err
		}
	}
	if d.Source == "" {
		return nil, errors.New("a message came without the name of its queue, so no rule can be " +
			"for it; let the trigger send whole events (CloudEvents, JSON), not bare bodies")
	}
	return nil, fmt.Errorf("no rule of MILLRACE_STARTS is for messages of %s; write queue: %[2]s "+
		"in a rule if its messages start executions, "+
		"by: %[2]s beside bucket if they are events of the bucket", d.Source,
		events.QueueName(d.Source))
}

// viaOf returns the queue, topic or bus that delivered a message. It is the bus if a rule names the
// bus, because a publisher on a bus can claim that a message is from any queue.
func (s *starter) viaOf(m events.Message) string {
	if slices.ContainsFunc(s.rules, func(r startRule) bool { return isQueue(r.By, m.Bus) }) {
		return m.Bus
	}
	return m.Source
}

// start starts one execution for each event that matches a rule. It tries all events even if one
// fails. An execution that already exists is no error, whatever its status, because the event was
// delivered twice.
func (s *starter) start(ctx context.Context, starts []events.StartEvent) error {
	var errs []error
	for i := range starts {
		e := &starts[i]
		if err := s.startOne(ctx, e); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", describeEvent(e), err))
		}
	}
	return errors.Join(errs...)
}

// describeEvent describes an event in a message.
func describeEvent(e *events.StartEvent) string {
	if e.Origin != "" {
		return e.Event + " of " + e.Origin
	}
	return e.Event + " of " + e.Bucket + "/" + e.Key
}

// startOne starts the execution of one event. An event that matches a rule but came by another way
// is an error: the event is forged, or the rule or the trigger is wrong. None of these may go
// unnoticed.
func (s *starter) startOne(ctx context.Context, e *events.StartEvent) error {
	var other *startRule
	for i := range s.rules {
		r := &s.rules[i]
		switch {
		case !r.match(e):
		case !r.matchesVia(e):
			other = r
		case !r.Folders && isFolderMarker(e):
			s.log.Info("folder marker; it starts nothing without folders: true", "event",
				describeEvent(e))
			return nil
		default:
			return s.startFlow(ctx, r, e)
		}
	}
	if other != nil {
		return fmt.Errorf("it came %s, but the rule for flow %s takes events that come %s (by)",
			viaText(e.Via), other.Flow, viaText(other.By))
	}
	s.log.Info("no rule matches the event", "event", describeEvent(e))
	return nil
}

// isFolderMarker reports whether an event is about the empty object with which consoles and file
// browsers show a folder.
func isFolderMarker(e *events.StartEvent) bool {
	return e.Size == 0 &&
		strings.HasSuffix(e.Key, "/")
}

func (s *starter) startFlow(ctx context.Context, r *startRule, e *events.StartEvent) error {
	name, qualifier := flow.SplitQualified(r.Flow)
	f, err := s.store.GetFlow(ctx, r.Account, name)
	if errors.Is(err, store.ErrNotFound) {
		return fault.New(fault.FlowNotExists, "Flow '%s' does not exist in account %s.", name,
			r.Account)
	} else if err != nil {
		return err
	}
	inputMax := s.limits.Data(f.Dialect)
	if f.Dialect == 0 || qualifier != "" { // an older program wrote the row, or a version runs
		inputMax, _ = s.limits.DataRange()
	}
	execution := e.Name(r.Account, name)
	_, err = s.service.StartExecution(ctx, cloudflow.Caller{Account: r.Account, Region: s.region,
		Source: sourceOf(e)},
		cloudflow.StartExecutionRequest{
			FlowName:      name,
			ExecutionName: execution,
			Input:         string(e.Input(inputMax)),
			Qualifier:     qualifier,
		})
	if fault.CodeOf(err) == fault.ExecutionAlreadyExists {
		return nil
	}
	if err == nil {
		s.log.Info("started", "flow", r.Flow, "execution", execution, "event", describeEvent(e))
	}
	return err
}

// sourceBytesMax bounds the name of where an event came from, in lists.
const sourceBytesMax = 128

// sourceOf returns the source of an execution that an event starts: the bucket, queue, topic or
// timer.
func sourceOf(e *events.StartEvent) string {
	return store.SourceEvent + value.Cut(cmp.Or(e.Bucket, e.Origin, e.Source), sourceBytesMax)
}
