package engine

import (
	"strconv"
	"strings"
)

// TaskOrigin returns the origin of an execution that a task starts, from the idempotency key of the
// attempt: called again, the attempt makes the same start.
func TaskOrigin(key string) string { return "task#" + key }

// startedBy returns the attempt whose task started an execution, from its origin; 0 if no task did.
func startedBy(origin string) int64 {
	key, ok := strings.CutPrefix(origin, "task#")
	if !ok || len(key) != 32 {
		return 0
	}
	attempt, err := strconv.ParseInt(key[16:], 16, 64)
	if err != nil {
		return 0
	}
	return attempt
}
