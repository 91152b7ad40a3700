// Command sweeper is the function that runs every minute, finds rows whose wake time has come, and
// sends hints for them.
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
	return platform.Tick(c.Sweep), nil
}
