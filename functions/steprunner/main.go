// Command steprunner is the function that advances executions. The queue invokes it.
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
	return faas.ConsumeQueue(faas.QueueHandlers{
		Decode:      c.Decode,
		Advance:     c.Advance,
		Dispatch:    c.Dispatch(),
		AsyncResult: c.AsyncResult,
	}), nil
}
