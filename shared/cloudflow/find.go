package cloudflow

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// allFlows is the FlowName of a list of the executions of all flows.
const allFlows = "*"

// listedFlowsMax is how many flows one page of such a list covers. The flows after them follow once
// the page before has listed all executions of these.
const listedFlowsMax = 250

// checkFind checks the filters of a list that only this server has.
func (q *ListExecutionsRequest) checkFind() error {
	for _, p := range [...]struct{ name, value string }{
		{"StateName", q.StateName}, {"ErrorName", q.ErrorName}, {"Source", q.Source},
		{"SearchKey", q.SearchKey}, {"SearchValue", q.SearchValue},
		{"SearchValuePrefix", q.SearchValuePrefix},
	} {
		if len(p.value) > filterBytesMax {
			return fault.New(fault.InvalidArgument, "%s must have at most %d bytes.", p.name,
				filterBytesMax)
		}
	}
	if q.GroupKey != "" {
		if group, err := strconv.ParseUint(q.GroupKey, 16, 64); err != nil ||
			flow.FormatGroup(group) != q.GroupKey {
			return fault.New(fault.InvalidArgument, "GroupKey must be the GroupKey of an "+
				"execution in a list: 16 hex digits.")
		}
	}
	given := 0
	for _, text := range [...]string{q.SearchValue, q.SearchValuePrefix} {
		if text != "" {
			given++
		}
	}
	if (q.SearchKey != "") != (given == 1) || given > 1 {
		return fault.New(fault.InvalidArgument, "SearchKey needs SearchValue or "+
			"SearchValuePrefix, and both need SearchKey.")
	}
	return nil
}

// filterBytesMax bounds the texts of filters. Nothing that they are compared with is longer.
const filterBytesMax = 512

// finds reports whether an execution matches the filters that only this server has.
func (q *ListExecutionsRequest) finds(s *store.Summary) bool {
	if q.StateName != "" && s.Failure.State != q.StateName ||
		q.ErrorName != "" && s.ErrorName != q.ErrorName ||
		q.GroupKey != "" && flow.FormatGroup(s.Failure.Group) != q.GroupKey {
		return false
	}
	switch {
	case q.Source == "":
	case !strings.Contains(q.Source, ":"): // a kind of sources
		if !strings.HasPrefix(s.Source, q.Source+":") {
			return false
		}
	case s.Source != q.Source:
		return false
	}
	return q.SearchKey == "" || slices.ContainsFunc(s.SearchKeys, func(k flow.SearchKey) bool {
		if q.SearchValue != "" {
			return k == flow.SearchKey{Name: q.SearchKey, Value: q.SearchValue}
		}
		return k.Name == q.SearchKey && strings.HasPrefix(k.Value, q.SearchValuePrefix)
	})
}

// fits reports whether an execution as it is now still ended as the filters say.
func (q *ListExecutionsRequest) fits(x *Execution) bool {
	return (q.Status == "" || x.Status == q.Status) &&
		(q.StateName == "" || x.FailedState == q.StateName) &&
		(q.ErrorName == "" || x.ErrorName == q.ErrorName) &&
		(q.GroupKey == "" || x.GroupKey == q.GroupKey)
}

// listPosition is where a page of a list begins. A token of it belongs to the filters of its list.
type listPosition struct {
	flows  string // of a list of all flows: the name of the last flow of the pages before
	before string // as of store.ListOptions
}

// filterHash identifies the filters of a list. Limit and MetadataOnly may change between pages.
func (q *ListExecutionsRequest) filterHash() uint64 {
	filters := *q
	filters.NextToken, filters.Limit, filters.MetadataOnly = "", nil, nil
	text, _ := json.Marshal(filters) // texts alone
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

func (q *ListExecutionsRequest) encodePosition(p listPosition) string {
	if p == (listPosition{}) {
		return ""
	}
	return encodePageToken(fmt.Sprintf("%016x %s %s", q.filterHash(), p.flows, p.before))
}

func (q *ListExecutionsRequest) decodePosition() (p listPosition, err error) {
	if q.NextToken == "" {
		return p, nil
	}
	text, err := decodePageToken(q.NextToken)
	words := strings.Split(text, " ")
	if err != nil || len(words) != 3 || words[0] != fmt.Sprintf("%016x", q.filterHash()) {
		return p, fault.New(fault.InvalidArgument, "NextToken is invalid: pass the NextToken of "+
			"the page before as it is, with the same filters.")
	}
	return listPosition{words[1], words[2]}, nil
}

// listedFlows returns the flows whose executions a page lists. last is the name of the last one if
// more follow.
func (s *Service) listedFlows(
	ctx context.Context, c Caller, q ListExecutionsRequest, after string,
) (flows []*store.Flow, last string, err error) {
	if q.FlowName != allFlows {
		f, err := s.getFlow(ctx, c, q.FlowName)
		if err != nil {
			return nil, "", err
		}
		if q.SearchKey != "" {
			if err := c.authorizeSearch(f, q.SearchKey); err != nil {
				return nil, "", err
			}
		}
		return []*store.Flow{f}, "", nil
	}
	keep := func(name string) bool { return c.may("fnf:ListExecutions", name) }
	for last = after; ; {
		listed, err := s.Store.ListFlows(ctx, c.Account, last, listedFlowsMax-len(flows), keep)
		if err != nil {
			return nil, "", FaultOf(err)
		}
		for _, f := range listed.Flows {
			if q.SearchKey == "" || c.authorizeSearch(f, q.SearchKey) == nil {
				flows = append(flows, f)
			}
		}
		if last = listed.Last; last == "" || len(flows) >= listedFlowsMax {
			return flows, last, nil
		}
	}
}

// authorizeSearch checks that a caller may look for values of a search key: a caller who may not see
// the values could find them out by searching.
func (c Caller) authorizeSearch(f *store.Flow, key string) error {
	v := c.visibility(f, "")
	if v.data && v.payload && v.showsKey(f, key) {
		return nil
	}
	return fault.New(fault.AccessDenied, "The resources doesn't belong to you. Looking for values "+
		"of a search key needs fnf:DescribeExecution and fnf:ReadPayload on flow '%s', and a path "+
		"that is not hidden.", f.Name)
}

// showsKey reports whether the values of a search key are at no hidden path.
func (v visibility) showsKey(f *store.Flow, key string) bool {
	if len(v.paths) == 0 {
		return true
	}
	at := slices.IndexFunc(f.SearchKeys, func(p flow.SearchPath) bool { return p.Name == key })
	if at < 0 {
		return false // it was at another path
	}
	steps, err := flow.SearchSteps(f.SearchKeys[at].Path)
	if err != nil {
		return false
	}
	var names []string
	for _, step := range steps {
		if name, ok := step.(string); ok {
			if names = append(names, name); v.paths.match(names) != nil {
				return false
			}
		}
	}
	return true
}

// showFound sets what lists say of where an execution comes from and how it ended, and its search
// keys if the caller may see them.
func (v visibility) showFound(f *store.Flow, s *store.Summary, out *Execution) {
	out.Source, out.ErrorName = s.Source, s.ErrorName
	out.FailedState, out.GroupKey = s.Failure.State, flow.FormatGroup(s.Failure.Group)
	if !v.data || !v.payload {
		return
	}
	for _, k := range s.SearchKeys {
		if v.showsKey(f, k.Name) {
			out.SearchKeys = append(out.SearchKeys, k)
		}
	}
}

// parseSearchKeys parses the SearchKeys parameter; "" and [] are none.
func parseSearchKeys(text string) ([]flow.SearchPath, error) {
	if text == "" {
		return nil, nil
	}
	var paths []flow.SearchPath
	if err := value.Unmarshal([]byte(text), &paths); err != nil {
		return nil, errSearchKeys("it must be like " +
			`[{"Name":"order","Path":"$Input.orderId"}]: ` + err.Error())
	}
	if len(paths) > flow.SearchKeysMax {
		return nil, errSearchKeys(fmt.Sprintf("a flow has at most %d", flow.SearchKeysMax))
	}
	for i, p := range paths {
		if _, err := flow.SearchSteps(p.Path); err != nil {
			return nil, errSearchKeys(fmt.Sprintf("the path %s is wrong: %v", value.Quote(p.Path),
				err))
		}
		if !flow.ValidName(p.Name) || len(p.Name) > searchNameMax {
			return nil, errSearchKeys(fmt.Sprintf("the name %s is wrong: %s, at most %d of them",
				value.Quote(p.Name), flow.NameRule, searchNameMax))
		}
		if slices.ContainsFunc(paths[:i], func(o flow.SearchPath) bool { return o.Name == p.Name }) {
			return nil, errSearchKeys(fmt.Sprintf("%s is given twice", p.Name))
		}
	}
	return paths, nil
}

// searchNameMax bounds the name of a search key, which every execution of the flow carries.
const searchNameMax = 32

func errSearchKeys(wrong string) error {
	return fault.New(fault.InvalidArgument, "SearchKeys is invalid: %s.", wrong)
}
