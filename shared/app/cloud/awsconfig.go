//go:build !millrace_alibaba

package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"millrace/shared/httpclient"
)

// awsConfig returns the configuration of the AWS services, from the environment that the platform
// sets. It reads no files and makes no requests, which keeps cold starts short.
func awsConfig(getenv func(string) string) (aws.Config, error) {
	region := getenv("AWS_REGION")
	if region == "" {
		return aws.Config{}, errors.New("AWS_REGION is not set")
	}
	return aws.Config{
		Region: region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			c := aws.Credentials{
				AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    getenv("AWS_SESSION_TOKEN"),
				Source:          "environment",
			}
			if !c.HasKeys() {
				return c, errors.New("the environment has no AWS credentials (AWS_ACCESS_KEY_ID, " +
					"AWS_SECRET_ACCESS_KEY); give the function a role")
			}
			return c, nil
		}),
		HTTPClient: httpclient.PlainBodies(
			awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
				t.MaxIdleConns, t.MaxIdleConnsPerHost, t.IdleConnTimeout = 256, 256, time.Minute
			})),
	}, nil
}

// endpoint returns the address that overrides a service's own: AWS_ENDPOINT_URL_<SERVICE>, else
// AWS_ENDPOINT_URL, else nil.
func endpoint(getenv func(string) string, service string) *string {
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if v := getenv(name); v != "" {
			return &v
		}
	}
	return nil
}

// tableName reads STORE_URL, dynamodb://<table>.
func tableName(storeURL string) (string, error) {
	name, ok := strings.CutPrefix(storeURL, "dynamodb://")
	if name = strings.TrimSuffix(name, "/"); !ok || name == "" {
		return "", fmt.Errorf("STORE_URL must be dynamodb://<table>, not %q", storeURL)
	}
	return name, nil
}

// fair reads MILLRACE_FAIR_QUEUE, yes or no (the default): whether messages have a group per flow.
func fair(getenv func(string) string) (bool, error) {
	switch v := getenv("MILLRACE_FAIR_QUEUE"); v {
	case "yes":
		return true, nil
	case "", "no":
		return false, nil
	default:
		return false, fmt.Errorf("MILLRACE_FAIR_QUEUE must be yes or no, not %q", v)
	}
}

// queueAddress reads QUEUE_URL: the queue's URL (https://…), the same with sqs:// in place of
// https://, or sqs://<name>. It returns either the URL or the name.
func queueAddress(queueURL string) (address, name string, err error) {
	rest, short := strings.CutPrefix(queueURL, "sqs://")
	if short && rest != "" && !strings.Contains(rest, "/") {
		return "", rest, nil
	}
	if short {
		queueURL = "https://" + rest
	}
	u, err := url.Parse(queueURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" ||
		strings.Trim(u.Path, "/") == "" {
		return "", "", fmt.Errorf("QUEUE_URL must be the URL of a queue, or sqs://<name>, not %q",
			queueURL)
	}
	return queueURL, "", nil
}
