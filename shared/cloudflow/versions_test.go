package cloudflow_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

func TestVersionsAreSnapshots(t *testing.T) {
	h := newVersionHarness(t)
	env := `{"Variables":[{"Name":"k","Value":"old"}]}`
	if _, err := h.UpdateFlow(t.Context(), h.caller, cloudflow.UpdateFlowRequest{Name: "f",
		Environment: &env}); err != nil {
		t.Fatal(err)
	}
	h.publish(1)
	none := ""
	if _, err := h.UpdateFlow(t.Context(), h.caller, cloudflow.UpdateFlowRequest{Name: "f",
		Environment: &none}); err != nil {
		t.Fatal(err)
	}
	h.update(2)
	h.publish(2)
	h.publish(3) // an unchanged definition
	h.update(4)
	for version, want := range map[string]int{"": 4, "1": 1, "2": 2, "3": 2} {
		f, err := h.DescribeFlow(t.Context(), h.caller, cloudflow.DescribeFlowRequest{Name: "f",
			FlowVersion: version})
		if err != nil || numberOf(f.Definition) != want || f.Name != "f" {
			t.Errorf("version %q: %+v, %v, want definition %d", version, f, err, want)
			continue
		}
		if has := len(f.Environment) > 0; has != (version == "1") {
			t.Errorf("version %q has the environment %v", version, f.Environment)
		}
		if version != "" && f.Description != "v"+version {
			t.Errorf("version %q has the description %q", version, f.Description)
		}
	}
	for version, want := range map[string]fault.Code{
		"4": fault.FlowVersionNotExists, "0": fault.FlowVersionNotExists,
		"01":                     fault.FlowVersionNotExists,
		"99999999999999999999":   fault.FlowVersionNotExists,
		"live":                   fault.InvalidArgument,
		"-1":                     fault.InvalidArgument,
		"1 ":                     fault.InvalidArgument,
		strings.Repeat("1", 200): fault.InvalidArgument,
	} {
		_, err := h.DescribeFlow(t.Context(), h.caller, cloudflow.DescribeFlowRequest{Name: "f",
			FlowVersion: version})
		h.wantCode("describe version "+version, err, want)
		h.wantCode("delete version "+version, h.deleteVersion(version), want)
	}
}

func TestListFlowVersions(t *testing.T) {
	h := newVersionHarness(t)
	for n := range int64(7) {
		h.publish(n + 1)
	}
	h.wantCode("delete", h.deleteVersion("4"), "")
	want := []int64{7, 6, 5, 3, 2, 1}
	for _, limit := range []int64{1, 2, 4, 6, 100} {
		var got []int64
		for token := ""; ; {
			page, err := h.ListFlowVersions(t.Context(), h.caller,
				cloudflow.ListOfFlowRequest{FlowName: "f", NextToken: token, Limit: &limit})
			if err != nil || len(page.Versions) > int(limit) {
				t.Fatal(page, err)
			}
			for _, v := range page.Versions {
				if got = append(got, v.Version); v.Description != fmt.Sprint("v", v.Version) {
					t.Errorf("%+v", v)
				}
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

// TestNumbersAreNotUsedAgain: neither after the last version is deleted, nor after all are.
func TestNumbersAreNotUsedAgain(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	h.publish(2)
	h.wantCode("delete", h.deleteVersion("2"), "")
	h.wantCode("delete again", h.deleteVersion("2"), fault.FlowVersionNotExists)
	h.publish(3)
	h.wantCode("delete", h.deleteVersion("1"), "")
	h.wantCode("delete", h.deleteVersion("3"), "")
	h.publish(4)
	h.update(2)
	h.publish(5)
}

func TestVersionThatAnAliasUses(t *testing.T) {
	h := newVersionHarness(t)
	h.publish(1)
	h.publish(2)
	h.wantCode("create", h.createAlias("live",
		`[{"Version":"1","Weight":0},{"Version":"2","Weight":100}]`), "")
	for _, version := range []string{"1", "2"} { // a weight of 0 counts, too
		err := h.deleteVersion(version)
		h.wantCode("delete "+version, err, fault.ConcurrentUpdateError)
		if err == nil || !strings.Contains(err.Error(), "alias 'live'") {
			t.Errorf("%v does not say which alias", err)
		}
	}
	h.wantCode("route", h.routeAlias("live", `[{"Version":"2","Weight":1}]`), "")
	h.wantCode("delete 1", h.deleteVersion("1"), "")
	h.wantCode("route back", h.routeAlias("live", `[{"Version":"1","Weight":1}]`),
		fault.FlowVersionNotExists)
	h.wantCode("delete alias", h.DeleteFlowAlias(t.Context(), h.caller,
		cloudflow.FlowAliasRequest{FlowName: "f", Name: "live"}), "")
	h.wantCode("delete 2", h.deleteVersion("2"), "")
}

// TestPublishedTogether: callers that publish at the same time get different numbers, and each gets
// its own.
func TestPublishedTogether(t *testing.T) {
	h := newVersionHarness(t)
	var mu sync.Mutex
	var all sync.WaitGroup
	numbers, conflicts := map[int64]bool{}, 0
	for range 8 {
		all.Go(func() {
			v, err := h.PublishFlowVersion(t.Context(), h.caller,
				cloudflow.PublishFlowVersionRequest{FlowName: "f"})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case fault.CodeOf(err) == fault.ConcurrentUpdateError:
				conflicts++
			case err != nil || numbers[v.Version]:
				t.Errorf("%+v, %v", v, err)
			default:
				numbers[v.Version] = true
			}
		})
	}
	all.Wait()
	page, err := h.ListFlowVersions(t.Context(), h.caller,
		cloudflow.ListOfFlowRequest{FlowName: "f"})
	if err != nil || len(page.Versions) != len(numbers) || len(numbers)+conflicts != 8 {
		t.Errorf("%d versions, %d responses, %d conflicts, %v", len(page.Versions), len(numbers),
			conflicts, err)
	}
}

// TestLostReplies: a write that is applied, and whose result is lost, is not applied again.
func TestLostReplies(t *testing.T) {
	routes := `[{"Version":"1","Weight":100}]`
	for name, request := range map[string]func(h *versionHarness) error{
		"publish": func(h *versionHarness) error {
			v, err := h.PublishFlowVersion(h.Context(), h.caller,
				cloudflow.PublishFlowVersionRequest{FlowName: "f"})
			if err == nil && v.Version != 3 {
				h.Errorf("published version %d", v.Version)
			}
			return err
		},
		"delete a version": func(h *versionHarness) error { return h.deleteVersion("2") },
		"create an alias":  func(h *versionHarness) error { return h.createAlias("new", routes) },
		"update an alias":  func(h *versionHarness) error { return h.routeAlias("live", routes) },
		"delete an alias": func(h *versionHarness) error {
			return h.DeleteFlowAlias(h.Context(), h.caller,
				cloudflow.FlowAliasRequest{FlowName: "f", Name: "live"})
		},
	} {
		for _, lost := range []error{errors.New("the connection broke"), driver.ErrConflict} {
			h := newVersionHarness(t)
			h.publish(1)
			h.publish(2)
			h.wantCode("create", h.createAlias("live", routes), "")
			commits := 0
			h.rows.After = func(op string, _ driver.Key) error {
				if op != memstore.OpCommit {
					return nil
				}
				if commits++; commits == 1 {
					return lost
				}
				return nil
			}
			if err := request(h); err != nil || commits != 1 {
				t.Errorf("%s, %v: %v after %d commits", name, lost, err, commits)
			}
		}
	}
}

// TestVersionLimits: the flow's row stays short.
func TestVersionLimits(t *testing.T) {
	h := newVersionHarness(t)
	for n := range int64(1000) {
		h.publish(n + 1)
	}
	_, err := h.PublishFlowVersion(t.Context(), h.caller,
		cloudflow.PublishFlowVersionRequest{FlowName: "f"})
	h.wantCode("version 1001", err, fault.InvalidArgument)
	h.wantCode("delete", h.deleteVersion("500"), "")
	h.publish(1001)
	for n := range 100 {
		h.wantCode("alias", h.createAlias(fmt.Sprintf("a%127d", n)[:1]+fmt.Sprintf("%0127d", n),
			`[{"Version":"1","Weight":50},{"Version":"1001","Weight":50}]`), "")
	}
	h.wantCode("alias 101", h.createAlias("more", `[{"Version":"1","Weight":50}]`),
		fault.InvalidArgument)
	row, err := h.rows.Get(t.Context(), driver.Key{Partition: "f#1234567890123456#f", Sort: "a"})
	if err != nil || len(row.Data) > 48<<10 {
		t.Errorf("the flow's row has %d bytes, %v", len(row.Data), err)
	}
}
