package history

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// Task is the latest attempt of a task that has not ended.
type Task struct {
	At        *Place
	Scheduled *client.Event // TaskScheduled, whose detail has what the task was given
	Submitted *client.Event // TaskSubmitted; nil while its call is not known to have succeeded
}

// Tasks are the tasks of a running execution that have not ended, in the order in which they were
// scheduled. The zero value is ready for use.
type Tasks struct {
	open []*Task
}

// Add takes the next event of a history with its place (Places.Add).
func (t *Tasks) Add(e *client.Event, at *Place) {
	switch e.Type {
	case "TaskScheduled":
		t.end(at)
		t.open = append(t.open, &Task{At: at, Scheduled: e})
	case "TaskSubmitted":
		for _, one := range t.open {
			if one.At == at {
				one.Submitted = e
			}
		}
	case "TaskSucceeded", "TaskFailed", "TaskTimedOut", "TaskSubmitFailed", "StateAborted",
		"StateTimedOut", "StateFailed", "StepFailed", "StepExited":
		t.end(at)
	}
	if strings.HasPrefix(e.Type, "Execution") { // it has ended, and they with it
		t.open = nil
	}
}

func (t *Tasks) end(at *Place) {
	t.open = slices.DeleteFunc(t.open, func(one *Task) bool { return one.At == at })
}

// Open returns the tasks that have not ended.
func (t *Tasks) Open() []*Task { return t.open }

// Token returns the task's token, which a report of its result needs; "" if the flow does not put
// it into the task's parameters. execution is the name of the execution, which tokens of Millrace
// have in them. Those of CloudFlow are known by the name of their member alone.
func (t *Task) Token(execution string) string {
	detail, err := value.Decode([]byte(t.Scheduled.EventDetail))
	if err != nil {
		return ""
	}
	token := find(detail, "", func(_, text string) bool {
		raw, err := base64.StdEncoding.DecodeString(text)
		return err == nil && strings.Contains(string(raw), "#"+execution+"#")
	})
	if token == "" {
		token = find(detail, "", func(name, text string) bool {
			return text != "" && strings.HasSuffix(strings.ToLower(name), "tasktoken")
		})
	}
	return token
}

// find returns the first text in a value that is sought, also in a text that is JSON, as the body
// of a request often is; "" if there is none. Members are searched in the order of their names.
// name is that of the member that the value is in.
func find(v any, name string, sought func(name, text string) bool) string {
	switch v := v.(type) {
	case string:
		if sought(name, v) {
			return v
		}
		inner, err := value.Decode([]byte(v))
		if _, isText := inner.(string); err == nil && !isText {
			return find(inner, name, sought)
		}
	case []any:
		for _, item := range v {
			if text := find(item, name, sought); text != "" {
				return text
			}
		}
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			if text := find(v[member], member, sought); text != "" {
				return text
			}
		}
	}
	return ""
}
