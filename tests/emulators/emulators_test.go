package emulators_test

import (
	"net/http"
	"testing"

	"millrace/tests/emulators"
)

func TestStart(t *testing.T) {
	for name, start := range map[string]func(testing.TB) string{"dynalite": emulators.StartDynalite, "fauxqs": emulators.StartFauxqs} {
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
			if endpoint == "" {
				return
			}
			if _, err := http.Get(endpoint); err == nil {
				t.Error("the server lives on after its test")
			}
		})
	}
}
