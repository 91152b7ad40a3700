package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/aliyun/credentials-go/credentials"

	"millrace/shared/alibaba"
)

// findCredentials returns the provider of the key that signs: the environment's, that of the named
// file, or what Alibaba Cloud's own tools find, such as the profile of `aliyun configure`, the
// token of a cluster's service account, or the role of an ECS instance.
func findCredentials(getenv func(string) string) alibaba.Provider {
	return alibaba.First(alibaba.Environment(getenv),
		alibaba.File(getenv(alibaba.EnvFile), getenv(alibaba.EnvProfile)), toolCredentials())
}

// toolCredentials returns a provider of the credentials that Alibaba Cloud's own tools find. Asking
// takes seconds if there are none, because an ECS instance would have them in its network.
func toolCredentials() alibaba.Provider {
	find := sync.OnceValues(func() (credentials.Credential, error) {
		return credentials.NewCredential(nil)
	})
	return func(context.Context) (alibaba.Credentials, error) {
		found, err := find()
		if err != nil {
			return alibaba.Credentials{}, fmt.Errorf("%w: %v", alibaba.ErrNoCredentials, err)
		}
		c, err := found.GetCredential()
		if err != nil {
			return alibaba.Credentials{}, fmt.Errorf("%w: %v", alibaba.ErrNoCredentials, err)
		}
		return alibaba.Credentials{AccessKeyID: deref(c.AccessKeyId),
			AccessKeySecret: deref(c.AccessKeySecret), SecurityToken: deref(c.SecurityToken)}, nil
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
