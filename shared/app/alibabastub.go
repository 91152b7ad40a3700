//go:build millrace_aws

package app

import "errors"

// openAlibaba fails, because the libraries of Alibaba Cloud are not linked.
func (*Cloud) openAlibaba(func(string) string, functionsFile) (*cloudServices, error) {
	return nil, errors.New("STORE_URL: this program was built for AWS only (-tags millrace_aws), " +
		"and takes dynamodb://<table>")
}
