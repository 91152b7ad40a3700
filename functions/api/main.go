// Command api is the function that serves the CloudFlow API behind a gateway or a function URL.
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
	h, err := c.Handler()
	if err != nil {
		return nil, err
	}
	return faas.ServeHTTP(h), nil
}
