package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// allFlows is the FlowName that lists the executions of all flows. CloudFlow does not have it.
const allFlows = "*"

// findFlags are filters of lists that only Millrace has.
type findFlags struct {
	state, errorName, group, source, search string
}

func (o *findFlags) define(f *pflag.FlagSet) {
	f.StringVar(&o.errorName, "error", "", "only those that ended with the error `NAME`")
	f.StringVar(&o.state, "state", "", "only those in which the state `NAME` failed first")
	f.StringVar(&o.group, "group", "", "only those of the group `KEY` that `failures` shows")
	f.StringVar(&o.source, "source", "", "only those that `SOURCE` has started: key, schedule, "+
		"event, execution, fork, or one like schedule:nightly")
	f.StringVar(&o.search, "search", "", "only those with `KEY=VALUE` of a search key; "+
		"KEY=VALUE* is for values that begin so")
}

// set sets the filters of a request.
func (o *findFlags) set(r *cloudflow.ListExecutionsRequest) error {
	r.StateName, r.ErrorName, r.GroupKey, r.Source = o.state, o.errorName, o.group, o.source
	if o.search == "" {
		return nil
	}
	key, value, ok := strings.Cut(o.search, "=")
	if !ok || key == "" || value == "" {
		return errors.New("--search is KEY=VALUE, like order=A-17, or order=A-*")
	}
	r.SearchKey = key
	if prefix, cut := strings.CutSuffix(value, "*"); cut && prefix != "" {
		r.SearchValuePrefix = prefix
	} else {
		r.SearchValue = value
	}
	return nil
}

// listAll lists the executions of all flows in one request a page. ok is false if the server, or
// the key, does not have that: then each flow must be listed.
func (o *listFlags) listAll(
	c *invocation, api *client.Client, r cloudflow.ListExecutionsRequest,
) (all []client.Execution, more, ok bool, err error) {
	r.FlowName = allFlows
	all, more, err = o.ofFlow(c, api, r)
	if err != nil && !unreachable(err) {
		switch fault.CodeOf(err) {
		case fault.AccessDenied, fault.FlowNotExists, fault.InvalidArgument:
			return nil, false, false, nil
		}
	}
	return all, more, true, err
}
