package flow_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/value"
)

func TestSearchKeys(t *testing.T) {
	input, err := value.Decode([]byte(`{"id":"A-7","n":12.50,"big":12345678901234567890,"ok":true,
		"o":{"a b":[{"id":3},"x"],"z":null,"":1},"empty":"","long":"` + strings.Repeat("x", 129) +
		`","fits":"` + strings.Repeat("x", 128) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"$Input.id": "A-7", "$.id": "A-7", "$input.id": "A-7", "$Input.n": "12.50", "$Input.ok": "true",
		"$Input.big": "12345678901234567890", `$Input.o["a b"][0].id`: "3",
		`$Input["o"]["a b"][1]`: "x", "$Input.fits": strings.Repeat("x", 128),
		// no key
		"$Input.o": "", "$Input.o.z": "", "$Input.none": "", "$Input.id.x": "", "$Input.empty": "",
		"$Input.long": "", `$Input.o["a b"][2]`: "", "$Input.id[0]": "", "$Input.o[0]": "",
	} {
		got := flow.SearchKeys([]flow.SearchPath{{Name: "k", Path: path}}, input)
		if want == "" && len(got) != 0 || want != "" && fmt.Sprint(got) != "[{k "+want+"}]" {
			t.Errorf("%s: %v, want %q", path, got, want)
		}
	}
	for _, path := range []string{"", "$", "$Input", "id", "$Inputs.id", "$Global.id", "$Input.", "$Input..id",
		"$Input[-1]", "$Input[x]", "$Input[0", `$Input["a]`, `$Input[""]`, "$Input.a*", "$Input.*",
		"$Input.a b", "$Input[99999999999]", "$Input" + strings.Repeat(".a", 17),
		"$Input." + strings.Repeat("a", 250)} {
		if steps, err := flow.SearchSteps(path); err == nil {
			t.Errorf("%q is taken for %v", path, steps)
		}
	}
}

// TestFailureGroup: causes that differ in numbers and ids are one group, and nothing else is.
func TestFailureGroup(t *testing.T) {
	group := func(flowName, state, name, cause string) uint64 {
		return flow.FailureGroup(flowName, state, &flow.Error{Name: name, Cause: cause})
	}
	one := group("f", "Pay", "Declined", "order A-17 of 2026-11-22T10:00:00Z was declined: 12.50 EUR")
	for cause, same := range map[string]bool{
		"order B-9 of 2025-01-01T00:00:00.123Z was declined: 7 EUR": true,
		"order B-9 of 2025-01-01 was declined: 7 USD":               false,
		"": false,
	} {
		if got := group("f", "Pay", "Declined", cause); (got == one) != same {
			t.Errorf("%q is the same group: %v", cause, !same)
		}
	}
	for _, other := range []uint64{group("g", "Pay", "Declined", "x"), group("f", "P", "Declined", "x"),
		group("f", "Pay", "D", "x"), group("f", "PayD", "eclined", "x"),
		flow.FailureGroup("f", "Pay", nil)} {
		if other == group("f", "Pay", "Declined", "x") {
			t.Error("two failures are one group")
		}
	}
	for cause, want := range map[string]string{
		"GET http://10.0.0.1:80/a/7: 503": "GET http://#/a/# #", "plain words": "plain words",
		`"id":"9f3c"`: `"id":"#"`, "状态 7 失败": "状态 # 失败",
		strings.Repeat("a", 600): strings.Repeat("a", 512),
	} {
		if got := flow.CauseOutline(cause); got != want {
			t.Errorf("%s becomes %s, want %s", cause, got, want)
		}
	}
}
