package reference_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/tests/reference"
	"millrace/tests/support/examples"
)

// mutations change a correct history at event i. They return nil if the change does not apply
// there.
var mutations = map[string]func(e []reference.Event, i int) []reference.Event{
	"an event is missing": func(e []reference.Event, i int) []reference.Event {
		for j := range e {
			if e[j].ID > int64(i+1) {
				e[j].ID--
			}
			if e[j].Schedule > int64(i+1) || e[j].Schedule == int64(i+1) && j > i {
				e[j].Schedule--
			}
		}
		return slices.Delete(e, i, i+1)
	},
	"the history ends before": func(e []reference.Event, i int) []reference.Event { return e[:i] },
	"it comes a second early": func(e []reference.Event, i int) []reference.Event {
		if i == 0 || e[i].Time-e[i-1].Time < 1000 {
			return nil
		}
		for j := i; j < len(e); j++ {
			e[j].Time -= 1000
		}
		return e
	},
	"it comes a second late": func(e []reference.Event, i int) []reference.Event {
		if i == 0 {
			return nil
		}
		for j := i; j < len(e); j++ {
			e[j].Time += 1000
		}
		return e
	},
	"another event led to it": func(e []reference.Event, i int) []reference.Event {
		if e[i].Schedule < 2 {
			return nil
		}
		e[i].Schedule--
		return e
	},
	"of another type": func(e []reference.Event, i int) []reference.Event {
		switch {
		case strings.HasSuffix(e[i].Type, "Succeeded"):
			e[i].Type = strings.TrimSuffix(e[i].Type, "Succeeded") + "Failed"
		case strings.HasSuffix(e[i].Type, "Failed"):
			e[i].Type = strings.TrimSuffix(e[i].Type, "Failed") + "Succeeded"
		case e[i].Type != "TaskSubmitted":
			e[i].Type = "TaskSubmitted"
		default:
			e[i].Type = "StateStarted"
		}
		return e
	},
	"with other data": func(e []reference.Event, i int) []reference.Event {
		var m map[string]any
		json.Unmarshal([]byte(e[i].Detail), &m)
		for k := range m {
			m[k] = map[string]any{"something": "else"}
			text, _ := json.Marshal(m)
			e[i].Detail = string(text)
			return e
		}
		return nil
	},
	"of another state": func(e []reference.Event,
		i int) []reference.Event {
		e[i].Step += "x"
		return e
	},
}

// TestDamage checks that the reference rejects every mutation of the history of an example, at
// every event.
func TestDamage(t *testing.T) {
	tried := 0
	examples.Each(t, func(t *testing.T, f *examples.File) {
		for _, c := range f.Cases {
			if unjudged(f) {
				continue
			}
			c.Setup.Start = start
			r, err := flowtest.Execute(f.Machine, flow.DefaultLimits(), c.Setup)
			if err != nil {
				continue
			}
			for i := range r.Events {
				for name, damage := range mutations {
					events := damage(eventsOf(f.Machine, r.Events), i)
					if events == nil {
						continue
					}
					tried++
					err := reference.Check(f.Definition, inputText(c.Setup.Input),
						contextOf(&c.Setup), events, recordOf(f.Machine, &c.Setup, r))
					if _, ok := err.(*reference.Violation); !ok {
						t.Errorf("%s: event %d %s: %s, and the reference says %v\n%s", c.Name, i+1,
							r.Events[i].Type, name, err, show(events))
					}
				}
			}
		}
	})
	if tried < 9_000 {
		t.Errorf("only %d histories", tried)
	}
}

func show(events []reference.Event) string {
	text := ""
	for _, e := range events {
		text += fmt.Sprintf("%3d %3d %-20s %-10s %d %.150s\n", e.ID, e.Schedule, e.Type, e.Step,
			e.Time, e.Detail)
	}
	return text
}
