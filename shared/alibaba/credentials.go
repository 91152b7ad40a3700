// Package alibaba finds the credentials with which clients of Alibaba Cloud sign their requests:
// those of a function's role, of the environment or of a file. Package acs calls OpenAPIs, package
// mns is the client of queues.
package alibaba

import (
	"context"
	"errors"
	"fmt"
)

// Credentials are an access key, and the security token if the key is temporary.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // of STS; "" for a permanent key
}

// Valid reports whether requests can be signed with c.
func (c Credentials) Valid() bool { return c.AccessKeyID != "" && c.AccessKeySecret != "" }

// Provider returns the credentials for one request. The client calls it for each request, so that
// credentials may rotate. It must be fast and safe for many goroutines. An error that wraps
// ErrNoCredentials means that it has no credentials.
type Provider func(ctx context.Context) (Credentials, error)

// ErrNoCredentials means that there are no credentials.
var ErrNoCredentials = errors.New("there are no credentials")

// Static returns a Provider that always returns c.
func Static(c Credentials) Provider {
	return func(context.Context) (Credentials, error) {
		if !c.Valid() {
			return c, ErrNoCredentials
		}
		return c, nil
	}
}

// First returns a Provider of the credentials of the first provider that has some. If a provider
// fails for another reason than having none, that is the error: First must not silently skip
// credentials that were meant to be used.
func First(providers ...Provider) Provider {
	return func(ctx context.Context) (Credentials, error) {
		for _, p := range providers {
			c, err := p(ctx)
			if err == nil || !errors.Is(err, ErrNoCredentials) {
				return c, err
			}
		}
		return Credentials{}, fmt.Errorf(
			"%w: give the function a role, or set %s and %s, or name a file in %s",
			ErrNoCredentials,
			EnvKeyID, EnvKeySecret, EnvFile,
		)
	}
}

// Role returns a Provider of the credentials that the platform sends with each request. current
// returns the latest of them.
func Role(current func() (Credentials, bool)) Provider {
	return func(context.Context) (Credentials, error) {
		if c, ok := current(); ok && c.Valid() {
			return c, nil
		}
		return Credentials{}, ErrNoCredentials
	}
}

// Environment variables of Alibaba Cloud's own tools.
const (
	EnvKeyID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	EnvKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	EnvToken     = "ALIBABA_CLOUD_SECURITY_TOKEN"
	EnvFile      = "ALIBABA_CLOUD_CREDENTIALS_FILE"
	EnvProfile   = "ALIBABA_CLOUD_PROFILE"
)

// Environment returns a Provider of the credentials in the environment. An incomplete key is an
// error.
func Environment(getenv func(string) string) Provider {
	return func(context.Context) (Credentials, error) {
		c := Credentials{getenv(EnvKeyID), getenv(EnvKeySecret), getenv(EnvToken)}
		switch {
		case c.Valid():
			return c, nil
		case c.AccessKeyID == "" && c.AccessKeySecret == "":
			return Credentials{}, ErrNoCredentials
		}
		return Credentials{}, fmt.Errorf("%s and %s must both be set", EnvKeyID, EnvKeySecret)
	}
}
