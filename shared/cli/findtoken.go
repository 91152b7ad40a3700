package cli

import (
	"encoding/base64"
	"strings"

	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// findToken returns the token of a task that waits in a state, from the history. state may name an
// item or branch, as places do.
func (c *invocation) findToken(api *client.Client, flow, name, state string) (string, error) {
	w := c.newWatcher(api, flow, name)
	scheduled, open := map[*place]string{}, []*place{}
	w.onEvent = func(e *client.Event, at *place) {
		if at == nil || at.state != state && at.String() != state {
			return
		}
		switch e.Type {
		case "TaskScheduled":
			scheduled[at] = e.EventDetail
			open = append(remove(open, at), at)
		case "TaskSucceeded", "TaskFailed", "TaskTimedOut", "TaskSubmitFailed", "StateAborted",
			"StateTimedOut", "StateFailed", "StepFailed", "StepExited":
			open = remove(open, at)
		}
	}
	_, err := retryThrottled(c, func() (bool, error) { return w.readEvents(c.ctx) })
	if err != nil {
		return "", err
	}
	switch {
	case len(open) == 0:
		return "", failf("no task waits in state %s; `millrace describe %s %s` shows what does",
			state, flow, name)
	case len(open) > 1:
		return "", failf("%d tasks wait in state %s: name one, like '%s'", len(open), state,
			open[0])
	}
	if detail, err := value.Decode([]byte(scheduled[open[0]])); err == nil {
		if token := tokenIn(detail, "", name); token != "" {
			return token, nil
		}
	}
	return "", failf("the history does not show the token of state %s, because the flow does not "+
		"put it into the task's parameters; use --token", open[0])
}

func remove(list []*place, at *place) []*place {
	for i := range list {
		if list[i] == at {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// tokenIn returns the first text in a value that is a task token: it names the execution, or its
// key says so.
func tokenIn(v any, key, execution string) string {
	switch v := v.(type) {
	case string:
		raw, err := base64.StdEncoding.DecodeString(v)
		if err == nil && strings.Contains(string(raw), "#"+execution+"#") ||
			v != "" && strings.HasSuffix(strings.ToLower(key), "tasktoken") {
			return v
		}
	case []any:
		for _, item := range v {
			if token := tokenIn(item, key, execution); token != "" {
				return token
			}
		}
	case map[string]any:
		for name, member := range v {
			if token := tokenIn(member, name, execution); token != "" {
				return token
			}
		}
	}
	return ""
}
