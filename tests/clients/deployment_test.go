package clients_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// deployment describes a server other than the built binary. The environment configures it.
var deployment = struct {
	endpoint string // host and port of its API, plain HTTP; "": the tests start the built binary
	// host and port where it calls the functions of flows; the tests listen there
	functions string
	// folder into which the tests write the files that it must be configured with, and nothing else
	settings string
	lacks    []string // capabilities that it does not have
}{
	os.Getenv("MILLRACE_WIRE_ENDPOINT"), os.Getenv("MILLRACE_WIRE_FUNCTIONS"),
	os.Getenv("MILLRACE_WIRE_SETTINGS"),
	strings.FieldsFunc(os.Getenv("MILLRACE_WIRE_LACKS"), func(r rune) bool { return r == ',' }),
}

// Capabilities that not every deployment has. A deployment names the capabilities that it lacks,
// and the tests that need them are skipped.
const restarts = "restarts" // the tests start and restart servers of their own

var capabilities = []string{restarts}

// needs skips a test if the deployment lacks a capability.
func needs(t *testing.T, capability string) {
	t.Helper()
	if slices.Contains(deployment.lacks, capability) {
		t.Skip("the deployment lacks the capability " + capability)
	}
}

// checkDeployment returns an error if the variables make no sense together.
func checkDeployment() error {
	if (deployment.endpoint != "" || deployment.settings != "") && deployment.functions == "" {
		return fmt.Errorf("MILLRACE_WIRE_FUNCTIONS is not set: where does the deployment look " +
			"for functions?")
	}
	for _, c := range deployment.lacks {
		if !slices.Contains(capabilities, c) {
			return fmt.Errorf("MILLRACE_WIRE_LACKS has %q; there are %q", c, capabilities)
		}
	}
	return nil
}
