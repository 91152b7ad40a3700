package sim

import (
	"sync"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// stateOf returns the interpreter's state in a row.
func stateOf(raw *store.Store, x *store.Execution, block int) (*interp.State, error) {
	f, err := factsOf(raw, x)
	if err != nil {
		return nil, err
	}
	f.BlockSize = block
	s := interp.New(f)
	s.Status, s.Stopped, s.Output, s.Error = x.Status, x.Stopped, x.Output, x.Error
	s.LastEvent, s.LastTime = x.LastEvent, x.LastTime
	s.Redrives, s.Redriven, s.RedriveMark = x.Redrive, x.Redriven, x.RedriveMark
	if x.Body == nil {
		return s, nil
	}
	return s, s.DecodeBody(x.Body)
}

func factsOf(raw *store.Store, x *store.Execution) (interp.Facts, error) {
	text, err := raw.InputText(always, x)
	if err != nil {
		return interp.Facts{}, err
	}
	if len(text) == 0 {
		text = []byte("{}")
	}
	canonical, err := value.Canonical(text)
	return interp.Facts{
		Account: x.Account, Region: x.Region, FlowID: x.FlowID, Flow: x.Flow, Name: x.Name,
		RoleArn: x.RoleArn, Run: x.Run, Seed: x.Seed, Dialect: x.Dialect, Started: x.Started,
		Deadline: x.Deadline, TimeLimit: x.TimeLimit(), CallbackToken: x.Callback, Express: x.Express,
		Child: x.MapNode > 0, Input: flow.TextValue(canonical),
	}, err
}

// compiled caches machines: they are immutable, and runs share flows.
var compiled = struct {
	sync.Mutex
	m map[string]*flow.Machine
}{m: map[string]*flow.Machine{}}

func (w *World) machineOf(x *store.Execution) (*flow.Machine, error) {
	mode := flow.Standard
	if x.Express {
		mode = flow.Express
	}
	if x.MapNode > 0 {
		mode = flow.Standard // that of the execution with the MapRun
	}
	m, err := compileOnce(w.flows.texts[x.Hash], mode)
	if err == nil && x.MapNode > 0 {
		m = m.Child(x.MapNode - 1)
	}
	return m, err
}

func compileOnce(text, mode string) (*flow.Machine, error) {
	compiled.Lock()
	defer compiled.Unlock()
	if m := compiled.m[mode+text]; m != nil {
		return m, nil
	}
	m, err := compile(text, mode)
	if err != nil {
		return nil, err
	}
	if len(compiled.m) > 1000 {
		clear(compiled.m)
	}
	compiled.m[mode+text] = m
	return m, nil
}
