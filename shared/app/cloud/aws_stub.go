//go:build millrace_alibaba

package cloud

import (
	"context"
	"errors"
)

// openAWS fails, because the libraries of AWS are not linked.
func (*App) openAWS(context.Context, func(string) string, functionsFile) (*services, error) {
	return nil, errors.New("STORE_URL: this program was built for Alibaba Cloud only (-tags " +
		"millrace_alibaba), and takes tablestore://<instance>/<table>")
}
