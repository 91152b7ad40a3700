package emulators

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Config returns a configuration of the AWS clients for an emulator, with any credentials. The
// clients use transport; nil: a new one of NewTransport.
func Config(endpoint string, transport http.RoundTripper) aws.Config {
	if transport == nil {
		transport = NewTransport()
	}
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(endpoint),
		HTTPClient:   &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     "test",
				SecretAccessKey: "test",
				Source:          "emulators",
			}, nil
		}),
	}
}

// NewTransport returns a transport that keeps many connections, for tests that put a fault in front
// of it.
func NewTransport() *http.Transport {
	return &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256}
}
