package emulators_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"millrace/tests/clouds/emulators"
)

func TestStart(t *testing.T) {
	for name, start := range map[string]func(testing.TB) string{
		"dynalite": emulators.StartDynalite,
		"fauxqs":   emulators.StartFauxqs,
	} {
		t.Run(name, func(t *testing.T) {
			var endpoint string
			t.Run("lives", func(t *testing.T) {
				endpoint = start(t)
				answer, err := http.Get(endpoint)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
			})
			if endpoint == "" || endpoint == os.Getenv(emulators.DynamoDBVariable) {
				return
			}
			if _, err := http.Get(endpoint); err == nil {
				t.Error("the server lives on after its test")
			}
		})
	}
}

// TestProxy: a proxy forwards calls, and breaks the connection of a call whose response is lost.
func TestProxy(t *testing.T) {
	seen := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen <- string(body)
		io.WriteString(w, "answer")
	}))
	defer server.Close()
	endpoint := emulators.Proxy(t, server.URL, func(c emulators.Call) (*http.Response, error) {
		switch c.Op {
		case "Lose":
			return c.Lose()
		case "Throttle":
			return c.Throttle()
		}
		return c.Send()
	})
	call := func(op string) (string, error) {
		r, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader("body of "+op))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "Service_1."+op)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return string(text), err
	}
	if text, err := call("Send"); err != nil || text != "answer" || <-seen != "body of Send" {
		t.Errorf("sent: %q, %v", text, err)
	}
	if text, err := call("Lose"); !errors.Is(err, io.EOF) || <-seen != "body of Lose" {
		t.Errorf("lost: %q, %v", text, err)
	}
	if text, err := call("Throttle"); err != nil ||
		!strings.Contains(text, "ProvisionedThroughputExceededException") || len(seen) != 0 {
		t.Errorf("throttled: %q, %v", text, err)
	}
}
