package task

import (
	"encoding/json"
	"time"

	"millrace/shared/flow"
)

// Mapping is one entry of the functions file (docs/functions.md). It says what carries out the
// calls that Match matches. Exactly one of HTTP, Reply and Error is set, except in a function that
// is a command.
type Mapping struct {
	Match   string          // a glob
	HTTP    string          // an absolute http or https address
	Reply   json.RawMessage // a fixed result, JSON
	Error   *flow.Error     // a fixed failure
	Timeout time.Duration   // of one call; 0: the time that the task has left
}
