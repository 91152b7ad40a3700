// Command starter is the function that starts executions for events: new objects, messages, timers.
package main

import (
	"context"
	"os"

	"millrace/shared/app/cloud"
	"millrace/shared/faas"
)

func main() { faas.Main(open) }

func open(ctx context.Context) (faas.Handler, error) {
	c, err := cloud.Open(ctx, os.Getenv)
	if err != nil {
		return nil, err
	}
	start, err := c.Starter()
	if err != nil {
		return nil, err
	}
	return faas.Events(start), nil
}
