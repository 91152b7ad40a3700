package functiontask

import (
	"net/http"
	"testing"
)

// A body of the function's own is no error of the service because its members look like one's: names are exact.
func TestFailureNamesAreExact(t *testing.T) {
	for body, want := range map[string]string{
		`{"code":500,"message":"broken"}`:                           internalError,
		`{"CODE":"X","errortype":"Y","ErrorCode":"Z"}`:              internalError,
		`{"Code":"ServiceUnavailable","Message":"m"}`:               "FC.ServiceUnavailable",
		`{"errorCode":"Timeout","errorMessage":"m"}`:                "FC.Timeout",
		`{"errorType":"Mine","ErrorType":"Not","errorMessage":"m"}`: "Mine",
	} {
		if got := failureOf(http.StatusInternalServerError, http.Header{}, []byte(body)); got == nil || got.Name != want {
			t.Errorf("%s: %v, want %s", body, got, want)
		}
	}
}
