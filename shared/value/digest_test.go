package value_test

import (
	"testing"

	"millrace/shared/value"
)

func TestDigest(t *testing.T) {
	for text, want := range map[string]string{
		"":    "0 bytes, sha256 e3b0c44298fc1c149afbf4c8996fb924",
		"abc": "3 bytes, sha256 ba7816bf8f01cfea414140de5dae2223"} {
		if got := value.Digest([]byte(text)); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
