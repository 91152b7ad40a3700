package app

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CloudConfig is how the functions of a cloud are set up, all by variables of their environment (docs/aws.md,
// docs/alibaba.md).
type CloudConfig struct {
	StoreURL string // STORE_URL: dynamodb://<table>, or tablestore://<instance>/<table>[?endpoint=https://…]
	QueueURL string // QUEUE_URL: the URL of the queue, or sqs://<name>; mns://<account>.mns.<region>.aliyuncs.com/<name>

	// The texts of these files, or their paths in the function's package.
	Credentials string // MILLRACE_CREDENTIALS: docs/credentials.md
	Rights      string // MILLRACE_RIGHTS: what keys and roles may do, without secrets; without it, the credentials
	Functions   string // MILLRACE_FUNCTIONS: docs/functions.md, with `lambda: <ARN>` or `fc: <resource name>` as a further answer
	Settings    string // MILLRACE_SETTINGS: docs/configuration.md
	Starts      string // MILLRACE_STARTS: which events start which flows

	Region string        // MILLRACE_REGION: name of the region in answers and ARNs; AWS_REGION, FC_REGION
	Call   time.Duration // MILLRACE_CALL_SECONDS: the longest call of a task; 120 s
	Wait   time.Duration // MILLRACE_WAIT_SECONDS: the longest long poll; 25 s, for API Gateway ends at 29 s
	Sync   time.Duration // MILLRACE_SYNC_SECONDS: the longest StartSyncExecution; 25 s
}

// cloudConfig reads the environment.
func cloudConfig(getenv func(string) string) (CloudConfig, error) {
	c := CloudConfig{StoreURL: getenv("STORE_URL"), QueueURL: getenv("QUEUE_URL"), Region: getenv("MILLRACE_REGION")}
	for _, name := range []string{"AWS_REGION", "FC_REGION", "ALIBABA_CLOUD_REGION_ID"} {
		if c.Region == "" {
			c.Region = getenv(name)
		}
	}
	var errs []error
	for name, to := range map[string]*string{"MILLRACE_CREDENTIALS": &c.Credentials, "MILLRACE_RIGHTS": &c.Rights, "MILLRACE_FUNCTIONS": &c.Functions,
		"MILLRACE_SETTINGS": &c.Settings, "MILLRACE_STARTS": &c.Starts} {
		text, err := textOrFile(getenv(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		*to = text
	}
	for _, d := range []struct {
		name      string
		to        *time.Duration
		otherwise int
	}{{"MILLRACE_CALL_SECONDS", &c.Call, 120}, {"MILLRACE_WAIT_SECONDS", &c.Wait, 25}, {"MILLRACE_SYNC_SECONDS", &c.Sync, 25}} {
		n := d.otherwise
		if v := getenv(d.name); v != "" {
			var err error
			if n, err = strconv.Atoi(v); err != nil || n <= 0 || n > 900 {
				errs = append(errs, fmt.Errorf("%s must be a whole number of seconds from 1 to 900, not %q", d.name, v))
			}
		}
		*d.to = time.Duration(n) * time.Second
	}
	return c, errors.Join(errs...)
}

// textOrFile is a text, or the content of the file that it names: a name is one line without a colon and a brace.
func textOrFile(v string) (string, error) {
	if v == "" || strings.ContainsAny(v, "\n:{[") {
		return v, nil
	}
	text, err := os.ReadFile(v)
	if err != nil {
		return "", fmt.Errorf("it is neither the text nor a file of the function's package: %w", err)
	}
	return string(text), nil
}
