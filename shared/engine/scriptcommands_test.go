package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/task"
)

// scriptCommands are the commands of a script. testdata/script/README.md describes them.
var scriptCommands map[string]func(s *script, args []string, body string) error

func init() {
	scriptCommands = map[string]func(s *script, args []string, body string) error{
		"flow": (*script).doFlow, "open": (*script).doOpen, "start": (*script).doStart,
		"tick": (*script).doTick, "answer": (*script).doAnswer, "report": (*script).doReport,
		"stop": (*script).doStop, "crash": (*script).doCrash, "deliver": (*script).doDeliver,
		"drop-hint": (*script).doDropHint, "store": (*script).doStore, "slow": (*script).doSlow,
		"sweep": (*script).doSweep, "rows": (*script).doRows, "history": (*script).doHistory,
		"leases": (*script).doLeases, "calls": (*script).doCalls, "inbox": (*script).doInbox,
		"hints": (*script).doHints, "status": (*script).doStatus, "redrive": (*script).doRedrive,
	}
}

var errUsage = errors.New("see README.md for its arguments")

// flow NAME [v1], with the states in YAML as its body.
func (s *script) doFlow(args []string, body string) error {
	switch {
	case len(args) == 1:
		s.flows[args[0]] = s.w.flow(args[0], body)
	case len(args) == 2 && args[1] == "v1":
		s.flows[args[0]] = s.w.define(args[0], flow.Standard,
			"version: v1\ntype: flow\nsteps:\n"+body)
	default:
		return errUsage
	}
	f := s.flows[args[0]]
	definition, err := s.w.store.Definition(context.Background(), f.ID, f.Hash)
	if err != nil {
		return err
	}
	s.machines[f.ID], err = compile(definition, f.Mode)
	return err
}

// open NAME [topology=…] [lease=…] [call=…] [session=…]
func (s *script) doOpen(args []string, _ string) error {
	if len(args) == 0 {
		return errUsage
	}
	if _, err := s.node(args[0]); err == nil {
		return fmt.Errorf("%s is open", args[0])
	}
	var o engine.Options
	session := 5 * time.Minute
	o.Topology = engine.Embedded
	for _, arg := range args[1:] {
		name, text, _ := strings.Cut(arg, "=")
		var err error
		switch name {
		case "topology":
			i := slices.Index([]string{"servers", "embedded", "functions"}, text)
			if i < 0 {
				return errUsage
			}
			o.Topology = engine.Topology(i)
		case "lease":
			o.LeaseMax, err = time.ParseDuration(text)
		case "call":
			o.CallTimeMax, err = time.ParseDuration(text)
		case "session":
			session, err = time.ParseDuration(text)
		default:
			return errUsage
		}
		if err != nil {
			return err
		}
	}
	if o.Topology == engine.Functions && o.CallTimeMax == 0 {
		o.CallTimeMax = 2 * time.Minute
	}
	s.newScriptNode(args[0], session, func(e *engine.Options) {
		e.Topology, e.LeaseMax, e.CallTimeMax = o.Topology, o.LeaseMax, o.CallTimeMax
	})
	return nil
}

// start NODE FLOW NAME
func (s *script) doStart(args []string, _ string) error {
	if len(args) != 3 {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	f := s.flows[args[1]]
	if f == nil {
		return fmt.Errorf("there is no flow %s", args[1])
	}
	n.respond("start of "+args[2], func() (string, error) {
		x, created, err := n.StartExecution(n.ctx, starting(f, args[2]))
		switch {
		case err != nil:
			return "", err
		case created:
			return "started, " + x.Status.String(), nil
		}
		return "exists, " + x.Status.String(), nil
	})
	return nil
}

// respond makes a request and prints its response, unless the process dies meanwhile.
func (n *scriptNode) respond(what string, request func() (string, error)) {
	n.work.Go(func() {
		text, err := request()
		switch {
		case n.isDead():
		case err != nil:
			n.s.record(rankResponse, "%s answers the %s: error: %s", n.name, what, trimError(err))
		default:
			n.s.record(rankResponse, "%s answers the %s: %s", n.name, what, text)
		}
	})
}

// tick DURATION [deliver]
func (s *script) doTick(args []string, _ string) error {
	if len(args) == 0 {
		return errUsage
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	if len(args) == 2 && args[1] == "deliver" {
		s.queue.setAlways(true)
		defer s.queue.setAlways(false)
		s.queue.deliverEach(s.queue.take(), nil, false)
	}
	time.Sleep(d)
	return nil
}

// outcome parses what a function or a reporter says: a JSON text, or "error NAME".
func outcome(words []string) ([]byte, *flow.Error, error) {
	if len(words) == 2 && words[0] == "error" {
		return nil, &flow.Error{Name: words[1]}, nil
	}
	text := strings.Join(words, " ")
	if !json.Valid([]byte(text)) {
		return nil, nil, fmt.Errorf("%q is neither JSON nor error NAME", text)
	}
	return []byte(text), nil, nil
}

// answer [NODE/]STATE OUTPUT|error NAME
func (s *script) doAnswer(args []string, _ string) error {
	if len(args) < 2 {
		return errUsage
	}
	output, failure, err := outcome(args[1:])
	if err != nil {
		return err
	}
	node, state, ok := strings.Cut(args[0], "/")
	if !ok {
		node, state = "", args[0]
	}
	var found []*scriptCall
	s.mu.Lock()
	for _, c := range s.calls {
		if c.state == state && (node == "" || c.node.name == node) {
			found = append(found, c)
		}
	}
	s.mu.Unlock()
	if len(found) != 1 {
		return fmt.Errorf("%d calls of %s are in flight", len(found), args[0])
	}
	found[0].result <- task.Result{Output: output, Error: failure}
	return nil
}

// report NODE EXECUTION/STATE OUTPUT|error NAME
func (s *script) doReport(args []string, _ string) error {
	if len(args) < 3 {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	output, failure, err := outcome(args[2:])
	if err != nil {
		return err
	}
	s.mu.Lock()
	token, ok := s.tokens[args[1]]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("there is no token of %s", args[1])
	}
	n.respond("report of "+args[1], func() (string, error) {
		id, err := n.Report(n.ctx, account, token, engine.Report{Output: output, Error: failure})
		return fmt.Sprintf("accepted, event %d", id), err
	})
	return nil
}

// stop NODE EXECUTION
func (s *script) doStop(args []string, _ string) error {
	if len(args) != 2 {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	partition, err := s.partition(args[1])
	if err != nil {
		return err
	}
	n.respond("stop of "+args[1], func() (string, error) {
		x, err := n.Stop(n.ctx, partition, &flow.Error{Name: "Enough"})
		if err != nil {
			return "", err
		}
		return x.Status.String(), nil
	})
	return nil
}

// redrive NODE EXECUTION [COUNT]
func (s *script) doRedrive(args []string, _ string) error {
	if len(args) != 2 && len(args) != 3 {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	partition, err := s.partition(args[1])
	if err != nil {
		return err
	}
	count := engine.AnyRedrive
	if len(args) == 3 {
		if count, err = strconv.Atoi(args[2]); err != nil {
			return err
		}
	}
	n.respond("redrive of "+args[1], func() (string, error) {
		x, err := n.Redrive(n.ctx, partition, count)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, redrive %d", x.Status, x.Redrive), nil
	})
	return nil
}

// crash NODE [before-commit|after-commit]
func (s *script) doCrash(args []string, _ string) error {
	if len(args) == 0 {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	if len(args) == 1 {
		s.kill(n, "with "+s.inFlight(n))
		return nil
	}
	if args[1] != "before-commit" && args[1] != "after-commit" {
		return errUsage
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.crashAt = args[1]
	return nil
}

// inFlight returns the calls of a process.
func (s *script) inFlight(n *scriptNode) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var states []string
	for _, c := range s.calls {
		if c.node == n {
			states = append(states, c.state)
		}
	}
	if len(states) == 0 {
		return "no call in flight"
	}
	slices.Sort(states)
	return "calls in flight: " + strings.Join(states, ", ")
}

// deliver [NODE] [twice|keep]
func (s *script) doDeliver(args []string, _ string) error {
	var to *scriptNode
	times, keep := 1, false
	for _, arg := range args {
		var err error
		switch arg {
		case "twice":
			times = 2
		case "keep":
			keep = true
		default:
			if to, err = s.node(arg); err != nil {
				return err
			}
		}
	}
	due := s.queue.take()
	if len(due) == 0 {
		return errors.New("no hint is due")
	}
	for range times {
		s.queue.deliverEach(due, to, keep)
	}
	return nil
}

// drop-hint loses all hints.
func (s *script) doDropHint([]string, string) error {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	if len(s.queue.waiting) == 0 {
		return errors.New("there is no hint")
	}
	for _, h := range s.queue.waiting {
		s.record(rankHint, "the hint for %s is lost", executionOf(h.partition))
	}
	s.queue.waiting = nil
	return nil
}

// store NODE refuse|lose|conflict N [commit|delete]
func (s *script) doStore(args []string, _ string) error {
	if len(args) < 3 || !slices.Contains([]string{"refuse", "lose", "conflict"}, args[1]) {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	left, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	op := "commit"
	if len(args) == 4 {
		op = args[3]
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults[op] = &storeFault{args[1], left}
	return nil
}

// slow NODE DURATION N
func (s *script) doSlow(args []string, _ string) error {
	if len(args) != 3 {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.slow, err = time.ParseDuration(args[1]); err != nil {
		return err
	}
	n.slowFor, err = strconv.Atoi(args[2])
	return err
}

// sweep NODE
func (s *script) doSweep(args []string, _ string) error {
	if len(args) != 1 {
		return errUsage
	}
	n, err := s.node(args[0])
	if err != nil {
		return err
	}
	n.respond("sweep", func() (string, error) { return "done", n.Sweep(n.ctx) })
	return nil
}
