package openapitask

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// asyncPaths are the parts of paths under which Function Compute keeps asynchronous invocations.
var asyncPaths = []string{"async-tasks", "stateful-async-invocations"}

// errAsyncPath refuses to read, list or stop asynchronous invocations.
var errAsyncPath = errors.New("asynchronous invocations are not a flow's to look at or to stop: they are those of all accounts. " +
	"Wait for the end of your own with FC:InvokeFunction, TaskMode WaitForSystemCallback")

// checkAsyncPath refuses a path to asynchronous invocations, however it is escaped. The function and
// the id are all that such a path names, so it would reach those of every account.
func checkAsyncPath(path string) error {
	for {
		for part := range strings.SplitSeq(strings.ToLower(path), "/") {
			if slices.Contains(asyncPaths, part) {
				return errAsyncPath
			}
		}
		plain, err := url.PathUnescape(path)
		if err != nil || plain == path {
			return nil
		}
		path = plain
	}
}
