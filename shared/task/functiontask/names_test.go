package functiontask

import (
	"net/http"
	"testing"
)

// TestFailureNamesAreExact: names of members are case-sensitive, so a function's own body is not
// taken for an error of the service.
func TestFailureNamesAreExact(t *testing.T) {
	for body, want := range map[string]string{
		`{"code":500,"message":"broken"}`:                           internalError,
		`{"CODE":"X","errortype":"Y","ErrorCode":"Z"}`:              internalError,
		`{"Code":"ServiceUnavailable","Message":"m"}`:               "FC.ServiceUnavailable",
		`{"errorCode":"Timeout","errorMessage":"m"}`:                "FC.Timeout",
		`{"errorType":"Mine","ErrorType":"Not","errorMessage":"m"}`: "Mine",
	} {
		if got := failureOf(http.StatusInternalServerError, http.Header{},
			[]byte(body)); got == nil || got.Name != want {
			t.Errorf("%s: %v, want %s", body, got, want)
		}
	}
}
