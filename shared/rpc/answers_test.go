package rpc_test

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"testing"
)

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// decode checks what every answer has in common.
func decode(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/json;charset=utf-8" {
		t.Errorf("Content-Type is %q", got)
	}
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	id, _ := answer["RequestId"].(string)
	if !requestIDPattern.MatchString(id) || id != w.Header().Get("x-acs-request-id") {
		t.Errorf("RequestId %q, header %q", id, w.Header().Get("x-acs-request-id"))
	}
	return answer
}

func wantAnswer(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	answer := decode(t, w)
	if _, ok := answer["Code"]; ok || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return answer
}

func wantFault(t testing.TB, w *httptest.ResponseRecorder, status int, code, message string) {
	t.Helper()
	answer := decode(t, w)
	if w.Code != status || answer["Code"] != code || answer["Message"] != message {
		t.Fatalf("%d %s, want %d %s %q", w.Code, w.Body, status, code, message)
	}
	for _, key := range []string{"RequestId", "HostId", "Code", "Message", "Recommend"} {
		if _, ok := answer[key].(string); !ok || len(answer) != 5 {
			t.Errorf("%s in %s", key, w.Body)
		}
	}
}
