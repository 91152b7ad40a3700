package cli

import (
	"slices"

	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// findToken returns the token of a task that waits in a state, from the history. state may name an
// item or branch, as places do.
func (c *invocation) findToken(api *client.Client, flow, name, state string) (string, error) {
	w := c.newWatcher(api, flow, name)
	tasks := &history.Tasks{}
	w.onEvent = tasks.Add
	_, err := retryThrottled(c, func() (bool, error) { return w.readEvents(c.ctx) })
	if err != nil {
		return "", err
	}
	open := slices.DeleteFunc(tasks.Open(), func(t *history.Task) bool {
		return t.At.State != state && t.At.String() != state
	})
	switch {
	case len(open) == 0:
		return "", failf("no task waits in state %s; `millrace describe %s %s` shows what does",
			state, flow, name)
	case len(open) > 1:
		return "", failf("%d tasks wait in state %s: name one, like '%s'", len(open), state,
			open[0].At)
	}
	if token := open[0].Token(name); token != "" {
		return token, nil
	}
	return "", failf("the history does not show the token of state %s, because the flow does not "+
		"put it into the task's parameters; use --token", open[0].At)
}
