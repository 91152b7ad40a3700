// Command sweeper is the function that, once a minute, finds what is due and sends hints for it.
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
