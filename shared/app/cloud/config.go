package cloud

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is the configuration of the functions of a cloud. All of it comes from environment
// variables (docs/aws.md, docs/alibaba.md).
type Config struct {
	// STORE_URL: dynamodb://<table>, or tablestore://<instance>/<table>[?endpoint=https://…]
	StoreURL string
	// QUEUE_URL: the URL of the queue, or sqs://<name>;
	// mns://<account>.mns.<region>.aliyuncs.com/<name>
	QueueURL string

	// The texts of these files, or their paths in the function's package.
	Credentials string // MILLRACE_CREDENTIALS: docs/credentials.md
	// MILLRACE_RIGHTS: what keys and roles may do, without secrets. Default: MILLRACE_CREDENTIALS.
	Rights string
	// MILLRACE_FUNCTIONS: docs/functions.md. A function may also have `lambda: <ARN>` or `fc:
	// <resource name>`.
	Functions string
	Settings  string // MILLRACE_SETTINGS: docs/configuration.md
	Starts    string // MILLRACE_STARTS: which events start which flows

	// MILLRACE_REGION: name of the region in responses and ARNs. Default: AWS_REGION, FC_REGION.
	Region string
	// MILLRACE_CALL_SECONDS: max duration of a task's call; 120 s
	Call time.Duration
	// MILLRACE_WAIT_SECONDS: max duration of a long poll; 25 s, because API Gateway ends requests
	// after 29 s
	Wait time.Duration
	// MILLRACE_SYNC_SECONDS: max duration of StartSyncExecution; 25 s
	Sync time.Duration
}

// readConfig reads the environment.
func readConfig(getenv func(string) string) (Config, error) {
	c := Config{
		StoreURL: getenv("STORE_URL"),
		QueueURL: getenv("QUEUE_URL"),
		Region:   getenv("MILLRACE_REGION"),
	}
	for _, name := range []string{"AWS_REGION", "FC_REGION", "ALIBABA_CLOUD_REGION_ID"} {
		if c.Region == "" {
			c.Region = getenv(name)
		}
	}
	var errs []error
	for name, to := range map[string]*string{
		"MILLRACE_CREDENTIALS": &c.Credentials,
		"MILLRACE_RIGHTS":      &c.Rights,
		"MILLRACE_FUNCTIONS":   &c.Functions,
		"MILLRACE_SETTINGS":    &c.Settings,
		"MILLRACE_STARTS":      &c.Starts,
	} {
		text, err := textOrFile(getenv(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		*to = text
	}
	for _, d := range []struct {
		name string
		to   *time.Duration
		def  int
	}{{"MILLRACE_CALL_SECONDS", &c.Call, 120}, {"MILLRACE_WAIT_SECONDS", &c.Wait, 25},
		{"MILLRACE_SYNC_SECONDS", &c.Sync, 25}} {
		n := d.def
		if v := getenv(d.name); v != "" {
			var err error
			if n, err = strconv.Atoi(v); err != nil || n <= 0 || n > 900 {
				errs = append(errs, fmt.Errorf("%s must be a whole number of seconds from 1 to "+
					"900, not %q", d.name, v))
			}
		}
		*d.to = time.Duration(n) * time.Second
	}
	return c, errors.Join(errs...)
}

// textOrFile returns a text, or the content of the file that it names. A file name is one line
// without a colon, a brace or a bracket.
func textOrFile(v string) (string, error) {
	if v == "" || strings.ContainsAny(v, "\n:{[") {
		return v, nil
	}
	text, err := os.ReadFile(v)
	if err != nil {
		return "", fmt.Errorf("it is neither the text nor a file of the function's package: %w",
			err)
	}
	return string(text), nil
}
