package lambda_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"millrace/tests/clouds/lambda"
)

// TestMain lets many tests run at once, because they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "12")
	code := m.Run()
	lambda.End()
	os.Exit(code)
}

func count(list []string, what string) (n int) {
	for _, s := range list {
		if strings.EqualFold(s, what) {
			n++
		}
	}
	return n
}
