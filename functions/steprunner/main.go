// Command steprunner is the function that advances executions. The queue invokes it.
package main

import (
	"context"
	"os"

	"millrace/shared/app"
	"millrace/shared/platform"
)

func main() { platform.Main(open) }

func open(ctx context.Context) (platform.Handler, error) {
	c, err := app.OpenCloud(ctx, os.Getenv)
	if err != nil {
		return nil, err
	}
	return platform.ConsumeQueue(platform.QueueHandlers{
		Decode:      c.Decode,
		Advance:     c.Advance,
		Dispatch:    c.Dispatch(),
		AsyncResult: c.AsyncResult,
	}), nil
}
