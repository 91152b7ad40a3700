package cloud_test

import "strings"

// environment returns a valid environment of Lambda with changes.
func environment(changes ...string) func(string) string {
	env := map[string]string{
		"STORE_URL":             "dynamodb://table",
		"QUEUE_URL":             "https://sqs.us-east-1.amazonaws.com/123456789012/steps",
		"AWS_REGION":            "us-east-1",
		"AWS_ACCESS_KEY_ID":     "a",
		"AWS_SECRET_ACCESS_KEY": "b",
		"MILLRACE_CREDENTIALS":  `{"accounts":[{"id":"1","keys":[{"id":"k","secret":"s"}]}]}`,
		"MILLRACE_STARTS":       `[{"bucket":"b","prefix":"in/","flow":"f","account":"1"}]`,
	}
	return changed(env, changes)
}

// changed applies changes, each a variable, "=" and its value, to an environment.
func changed(env map[string]string, changes []string) func(string) string {
	for _, c := range changes {
		name, v, _ := strings.Cut(c, "=")
		env[name] = v
	}
	return func(name string) string { return env[name] }
}
