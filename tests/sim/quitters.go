package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"millrace/shared/cloudflow"
)

// quitters start executions with large inputs, each once, and ignore the result. If a request is
// lost half way, no client repeats it or cleans up what it has left.
func (c *clients) quitters() {
	r := c.rand("quitters")
	f := c.flows[0]
	input := `{"padding":"` + strings.Repeat("q", 1500) + `"}`
	for i := range 4 + r.IntN(5) {
		if !c.sleep(time.Duration(r.IntN(20_000)) * time.Millisecond) {
			return
		}
		name := fmt.Sprintf("quit%d", i)
		request(c.w, nil, "start "+name,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return s.StartExecution(ctx, cloudflow.Caller{Account: f.account()},
					cloudflow.StartExecutionRequest{FlowName: f.name, ExecutionName: name,
						Input: input})
			})
	}
}
