//go:build millrace_alibaba

package app

import (
	"context"
	"errors"
	"log/slog"
)

// openAWS refuses: the libraries of AWS are not linked.
func openAWS(context.Context, CloudConfig, func(string) string, functionsFile, *slog.Logger) (*home, error) {
	return nil, errors.New("STORE_URL: this program was built for Alibaba Cloud only (-tags millrace_alibaba), and takes tablestore://<instance>/<table>")
}
