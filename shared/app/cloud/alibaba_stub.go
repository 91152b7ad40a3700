//go:build millrace_aws

package cloud

import "errors"

// openAlibaba fails, because the libraries of Alibaba Cloud are not linked.
func (*App) openAlibaba(func(string) string, functionsFile) (*services, error) {
	return nil, errors.New("STORE_URL: this program was built for AWS only (-tags millrace_aws), " +
		"and takes dynamodb://<table>")
}
