package openapitask

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// ends are the parts of paths under which Function Compute keeps asynchronous invocations.
var ends = []string{"async-tasks", "stateful-async-invocations"}

// errEnds refuses to read, list or stop asynchronous invocations.
var errEnds = errors.New("asynchronous invocations are not a flow's to look at or to stop: they are those of all accounts. " +
	"Wait for the end of your own with FC:InvokeFunction, TaskMode WaitForSystemCallback")

// asksForEnds refuses a path to asynchronous invocations, however it is escaped. The function and
// the id are all that such a path names, so it would reach those of every account.
func asksForEnds(path string) error {
	for {
		for part := range strings.SplitSeq(strings.ToLower(path), "/") {
			if slices.Contains(ends, part) {
				return errEnds
			}
		}
		plain, err := url.PathUnescape(path)
		if err != nil || plain == path {
			return nil
		}
		path = plain
	}
}
