package events_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"millrace/shared/events"
)

// opened returns the result of each decoder for an event.
func opened(event []byte) map[string]any {
	starts := func(decode func([]byte) ([]events.StartEvent, error)) any {
		list, err := decode(event)
		for i := range list {
			list[i].Record = nil // the event's own text
		}
		return []any{list, err == nil}
	}
	result := func(v any, err error) any { return []any{v, err == nil} }
	request, err := events.DecodeHTTP(event)
	all := map[string]any{"kind": events.KindOf(event), "http": result(request, err),
		"starts": starts(events.DecodeStartEvents), "objects": starts(events.DecodeObjects)}
	batch, err := events.DecodeBatch(event)
	all["batch"] = result(batch, err)
	messages, err := events.DecodeMNS(event)
	for i := range messages { // without an envelope, the body is the event's own text
		if strings.HasPrefix(messages[i].Body, "{") && err != nil {
			messages[i].Body = ""
		}
	}
	all["mns"] = result(messages, err)
	notes, err := events.DecodeTopic(event)
	all["topic"] = result(notes, err)
	asyncResult, err := events.DecodeAsyncResult(event)
	all["outcome"] = result(asyncResult, err)
	return all
}

// free lists members whose content has names that a sender chooses, so that names in another case
// are other members.
var free = []string{"headers", "multiValueHeaders", "queryStringParameters", "queryParameters",
	"multiValueQueryStringParameters", "requestPayload", "responsePayload", "data"}

// withOthers encodes a value, and adds after each text and number a member with another value,
// whose name differs in case.
func withOthers(t *testing.T, v any) string {
	switch v := v.(type) {
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, withOthers(t, item))
		}
		return "[" + strings.Join(items, ",") + "]"
	case map[string]any:
		var members, others []string
		for name, member := range v {
			quoted, _ := json.Marshal(name)
			text, _ := json.Marshal(member)
			if !slices.Contains(free, name) {
				text = []byte(withOthers(t, member))
			}
			members = append(members, string(quoted)+":"+string(text))
			other, _ := json.Marshal(strings.ToUpper(name))
			if string(other) == string(quoted) {
				continue
			}
			switch member.(type) {
			case string:
				others = append(others, string(other)+`:"wrong"`)
			case float64:
				others = append(others, string(other)+`:99`)
			}
		}
		return "{" + strings.Join(append(members, others...), ",") + "}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNamesAreExact: a member counts by its exact name, in every event of both clouds. A name that
// differs in case is another member.
func TestNamesAreExact(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.json")
	if len(files) < 20 {
		t.Fatal(len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			continue
		}
		other := []byte(withOthers(t, v))
		same, _ := json.Marshal(v)
		got, want := opened(other), opened(same)
		for decoder := range want {
			if decoder == "mns" && !strings.HasPrefix(filepath.Base(file), "fc-mns") {
				continue // without an envelope, the event is the body
			}
			if !reflect.DeepEqual(got[decoder], want[decoder]) {
				t.Errorf("%s, %s: %+v\nwant %+v", file, decoder, got[decoder], want[decoder])
			}
		}
	}
}
