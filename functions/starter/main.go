// Command starter is the function that starts executions for events: new objects, messages, timers.
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
	start, err := c.Starter()
	if err != nil {
		return nil, err
	}
	return platform.Events(start), nil
}
