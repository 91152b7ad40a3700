package openapitask

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// asyncPaths are the path segments under which Function Compute keeps asynchronous invocations.
var asyncPaths = []string{"async-tasks", "stateful-async-invocations"}

// errAsyncPath rejects calls that read, list or stop asynchronous invocations.
var errAsyncPath = errors.New(
	"asynchronous invocations are not a flow's to look at or to stop: they are those of all " +
		"accounts. " +
		"Wait for the end of your own with FC:InvokeFunction, TaskMode WaitForSystemCallback")

// checkAsyncPath returns an error if a path leads to asynchronous invocations, in any escaped form.
// Such a path names only the function and the id, so it would reach the invocations of every
// account.
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
