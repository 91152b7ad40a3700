package sqsqueue

import (
	"testing"

	"github.com/aws/smithy-go"
)

// TestExpiredCredentialsAreReplaced: a consumer does not give up because its credentials have
// expired.
func TestExpiredCredentialsAreReplaced(t *testing.T) {
	for code, want := range map[string]bool{
		"ExpiredToken": false, "ExpiredTokenException": false, "OverLimit": false, "Throttling": false,
		"InvalidClientTokenId": true, "QueueDoesNotExist": true, "AccessDenied": true,
	} {
		if got := isPermanent(&smithy.GenericAPIError{Code: code}); got != want {
			t.Errorf("%s: permanent %v, want %v", code, got, want)
		}
	}
}
