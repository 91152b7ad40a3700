// Command sweeper is the function that runs every minute, finds rows whose wake time has come, and
// sends hints for them.
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
	return faas.Tick(c.Sweep), nil
}
