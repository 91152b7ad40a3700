package wire_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// deployment is another server than the built binary for the tests to run against, told by the environment.
var deployment = struct {
	endpoint  string   // host and port of its API, plain HTTP; "": the tests start the built binary
	functions string   // host and port where it looks for the functions that flows call; the tests listen there
	settings  string   // folder into which only the files are written that it is to be set up with
	lacks     []string // capabilities that it does not have
}{
	os.Getenv("MILLRACE_WIRE_ENDPOINT"), os.Getenv("MILLRACE_WIRE_FUNCTIONS"), os.Getenv("MILLRACE_WIRE_SETTINGS"),
	strings.FieldsFunc(os.Getenv("MILLRACE_WIRE_LACKS"), func(r rune) bool { return r == ',' }),
}

// Capabilities that not every deployment has. One that lacks a capability says so, and the tests that need it are left
// out by name.
const restarts = "restarts" // the tests start servers of their own, and start them again

var capabilities = []string{restarts}

// needs leaves a test out that needs what the deployment says it lacks.
func needs(t *testing.T, capability string) {
	t.Helper()
	if slices.Contains(deployment.lacks, capability) {
		t.Skip("the deployment lacks the capability " + capability)
	}
}

// checkDeployment refuses variables that make no sense.
func checkDeployment() error {
	if (deployment.endpoint != "" || deployment.settings != "") && deployment.functions == "" {
		return fmt.Errorf("MILLRACE_WIRE_FUNCTIONS is not set: where does the deployment look for functions?")
	}
	for _, c := range deployment.lacks {
		if !slices.Contains(capabilities, c) {
			return fmt.Errorf("MILLRACE_WIRE_LACKS has %q; there are %q", c, capabilities)
		}
	}
	return nil
}
