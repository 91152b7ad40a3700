// Command api is the function that serves the CloudFlow API behind a gateway or a function URL.
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
	h, err := c.Handler()
	if err != nil {
		return nil, err
	}
	return platform.ServeHTTP(h), nil
}
