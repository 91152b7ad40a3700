//go:build millrace_alibaba

package app

import (
	"context"
	"errors"
)

// openAWS fails, because the libraries of AWS are not linked.
func (*Cloud) openAWS(context.Context, func(string) string, functionsFile) (*cloudServices, error) {
	return nil, errors.New("STORE_URL: this program was built for Alibaba Cloud only (-tags " +
		"millrace_alibaba), and takes tablestore://<instance>/<table>")
}
