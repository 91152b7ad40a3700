package cloudflow_test

import (
	"slices"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
)

func TestAliases(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	h.publish(2)
	created, err := h.CreateFlowAlias(t.Context(), h.caller, cloudflow.CreateFlowAliasRequest{
		FlowName: "f", Name: "live", Description: "d",
		RoutingConfigurations: `[{"Version":"1","Weight":100}]`})
	if err != nil || created.FlowName != "f" || created.Name != "live" ||
		created.Description != "d" || created.CreatedTime == 0 ||
		!slices.Equal(created.Routes, []cloudflow.Route{{Version: 1, Weight: 100}}) {
		t.Fatalf("created %+v, %v", created, err)
	}
	h.wantCode("create again", h.createAlias("live", `[{"Version":"1","Weight":100}]`),
		fault.FlowAliasAlreadyExists)
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		description, routes *string
		want                string
		weights             []int
	}{
		{nil, text(`[{"Version":"1","Weight":90},{"Version":"2","Weight":10}]`), "d",
			[]int{90, 10}},
		{text("e"), nil, "e", []int{90, 10}},
		{text(""), text(`[{"Version":2,"Weight":"7"}]`), "", []int{7}},
		{nil, text(""), "", []int{7}},
		{nil, nil, "", []int{7}},
	} {
		updated, err := h.UpdateFlowAlias(t.Context(), h.caller, cloudflow.UpdateFlowAliasRequest{
			FlowName: "f", Name: "live", Description: c.description,
			RoutingConfigurations: c.routes})
		if err != nil {
			t.Fatal(err)
		}
		described, err := h.DescribeFlowAlias(t.Context(), h.caller,
			cloudflow.FlowAliasRequest{FlowName: "f", Name: "live"})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []*cloudflow.FlowAlias{updated, described} {
			var weights []int
			for _, r := range got.Routes {
				weights = append(weights, r.Weight)
			}
			if got.Description != c.want || !slices.Equal(weights, c.weights) ||
				got.CreatedTime != created.CreatedTime {
				t.Errorf("%+v, want %q %v", got, c.want, c.weights)
			}
		}
	}
	one := cloudflow.FlowAliasRequest{FlowName: "f", Name: "live"}
	h.wantCode("delete", h.DeleteFlowAlias(t.Context(), h.caller, one), "")
	h.wantCode("delete again", h.DeleteFlowAlias(t.Context(), h.caller, one),
		fault.FlowAliasNotExists)
	_, err = h.DescribeFlowAlias(t.Context(), h.caller, one)
	h.wantCode("describe", err, fault.FlowAliasNotExists)
	h.wantCode("update", h.routeAlias("live", `[{"Version":"1","Weight":100}]`),
		fault.FlowAliasNotExists)
	h.wantCode("create once more", h.createAlias("live", `[{"Version":"1","Weight":100}]`), "")
}

func TestListFlowAliases(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	want := []string{"A", "_", "a", "a-b", "aB", "b"}
	for _, name := range []string{"b", "a-b", "_", "aB", "A", "a"} {
		h.wantCode("create", h.createAlias(name, `[{"Version":"1","Weight":100}]`), "")
	}
	for _, limit := range []int64{1, 2, 6, 100} {
		var got []string
		for token := ""; ; {
			page, err := h.ListFlowAliases(t.Context(), h.caller,
				cloudflow.ListOfFlowRequest{FlowName: "f", NextToken: token, Limit: &limit})
			if err != nil || len(page.Aliases) > int(limit) {
				t.Fatal(page, err)
			}
			for _, a := range page.Aliases {
				got = append(got, a.Name)
			}
			if token = page.NextToken; token == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
}

func TestRoutingConfigurations(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	h.publish(2)
	for routes, want := range map[string]fault.Code{
		`[{"Version":"1","Weight":0}]`:                               "",
		`[{"Version":"1","Weight":33}]`:                              "",
		`[{"Version":"1","Weight":0},{"Version":"2","Weight":100}]`:  "",
		`[{"Version":1,"Weight":"40"},{"Version":2,"Weight":"60"}]`:  "",
		`[{"Version":"1","Weight":30,"Note":"x"}]`:                   "",
		`[{"Version":"3","Weight":100}]`:                             fault.FlowVersionNotExists,
		`[{"Version":"1","Weight":50},{"Version":"03","Weight":50}]`: fault.FlowVersionNotExists,
		``:     fault.InvalidArgument,
		`[]`:   fault.InvalidArgument,
		`{}`:   fault.InvalidArgument,
		`null`: fault.InvalidArgument,
		`[{"Version":"1","Weight":30},{"Version":"2","Weight":69}]`:                             fault.InvalidArgument,
		`[{"Version":"1","Weight":30},{"Version":"2","Weight":71}]`:                             fault.InvalidArgument,
		`[{"Version":"1","Weight":50},{"Version":"1","Weight":50}]`:                             fault.InvalidArgument,
		`[{"Version":"1","Weight":-1},{"Version":"2","Weight":101}]`:                            fault.InvalidArgument,
		`[{"Version":"1","Weight":101}]`:                                                        fault.InvalidArgument,
		`[{"Version":"1","Weight":1.5}]`:                                                        fault.InvalidArgument,
		`[{"Version":"1","Weight":"x"}]`:                                                        fault.InvalidArgument,
		`[{"Version":"1"}]`:                                                                     fault.InvalidArgument,
		`[{"version":"1","weight":1}]`:                                                          fault.InvalidArgument,
		`[{"Weight":1}]`:                                                                        fault.InvalidArgument,
		`[{"Version":"live","Weight":1}]`:                                                       fault.InvalidArgument,
		`[{"Version":"-1","Weight":1}]`:                                                         fault.InvalidArgument,
		`[{"Version":"1","Weight":20},{"Version":"2","Weight":30},{"Version":"3","Weight":50}]`: fault.InvalidArgument,
		`[1]`: fault.InvalidArgument,
		"[" + strings.Repeat(`{"Version":"1","Weight":1},`, 1000) + `{"Version":"1","Weight":1}]`: fault.InvalidArgument,
	} {
		h.wantCode("create "+routes, h.createAlias("a", routes), want)
		if want == "" {
			h.wantCode("delete", h.DeleteFlowAlias(t.Context(), h.caller,
				cloudflow.FlowAliasRequest{FlowName: "f", Name: "a"}), "")
		}
		if routes == "" {
			continue
		}
		h.wantCode("create", h.createAlias("b", `[{"Version":"1","Weight":100}]`), "")
		h.wantCode("update "+routes, h.routeAlias("b", routes), want)
		h.wantCode("delete", h.DeleteFlowAlias(t.Context(), h.caller,
			cloudflow.FlowAliasRequest{FlowName: "f", Name: "b"}), "")
	}
}

// TestAliasNames: a name can never be taken for a version.
func TestAliasNames(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	for name, want := range map[string]fault.Code{
		"a": "", "_1": "", strings.Repeat("a", 128): "",
		"": fault.InvalidArgument, "1": fault.InvalidArgument, "1a": fault.InvalidArgument,
		"a/b": fault.InvalidArgument, "a#b": fault.InvalidArgument,
		strings.Repeat("a", 129): fault.InvalidArgument,
	} {
		h.wantCode("alias "+name, h.createAlias(name, `[{"Version":"1","Weight":100}]`), want)
	}
}
