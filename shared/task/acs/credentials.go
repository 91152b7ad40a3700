package acs

import (
	"context"
	"errors"
	"fmt"
)

// Credentials are an access key, and the token that comes with a temporary one.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // of STS; "" with a lasting key
}

// Valid tells whether requests can be signed.
func (c Credentials) Valid() bool { return c.AccessKeyID != "" && c.AccessKeySecret != "" }

// Provider gives the credentials for one request. It is asked for each, so that they may rotate; it is quick, and safe
// for many goroutines. An error that wraps ErrNone says that it has none.
type Provider func(ctx context.Context) (Credentials, error)

// ErrNone says that there are no credentials.
var ErrNone = errors.New("there are no credentials")

// Static gives the same credentials for ever.
func Static(c Credentials) Provider {
	return func(context.Context) (Credentials, error) {
		if !c.Valid() {
			return c, ErrNone
		}
		return c, nil
	}
}

// First gives the credentials of the first provider that has some. A provider that fails, other than by having none, is
// an error: what was meant to be used is not silently passed over.
func First(providers ...Provider) Provider {
	return func(ctx context.Context) (Credentials, error) {
		for _, p := range providers {
			c, err := p(ctx)
			if err == nil || !errors.Is(err, ErrNone) {
				return c, err
			}
		}
		return Credentials{}, fmt.Errorf("%w: give the function a role, or set %s and %s, or name a file in %s", ErrNone, EnvKeyID, EnvKeySecret, EnvFile)
	}
}

// Role gives the credentials that the platform sends with each request, as current knows them.
func Role(current func() (Credentials, bool)) Provider {
	return func(context.Context) (Credentials, error) {
		if c, ok := current(); ok && c.Valid() {
			return c, nil
		}
		return Credentials{}, ErrNone
	}
}

// The variables of the environment that Alibaba Cloud's own tools know.
const (
	EnvKeyID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	EnvKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	EnvToken     = "ALIBABA_CLOUD_SECURITY_TOKEN"
	EnvFile      = "ALIBABA_CLOUD_CREDENTIALS_FILE"
	EnvProfile   = "ALIBABA_CLOUD_PROFILE"
)

// Environment gives the credentials of the environment. Half of a key is an error.
func Environment(getenv func(string) string) Provider {
	return func(context.Context) (Credentials, error) {
		c := Credentials{getenv(EnvKeyID), getenv(EnvKeySecret), getenv(EnvToken)}
		switch {
		case c.Valid():
			return c, nil
		case c.AccessKeyID == "" && c.AccessKeySecret == "":
			return Credentials{}, ErrNone
		}
		return Credentials{}, fmt.Errorf("%s and %s must both be set", EnvKeyID, EnvKeySecret)
	}
}
