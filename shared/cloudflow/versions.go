package cloudflow

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// PublishFlowVersion makes the flow's current definition, role and environment its next version
// (docs/api.md#publishflowversion).
func (s *Service) PublishFlowVersion(
	ctx context.Context, c Caller, q PublishFlowVersionRequest,
) (*FlowVersion, error) {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return nil, err
	}
	if err := checkDescription(q.Description); err != nil {
		return nil, err
	}
	token := s.Store.Random(q.FlowName)
	v := &store.Version{Description: q.Description, Created: s.Now().UnixMilli()}
	err := s.changeCatalog(ctx, c, q.FlowName, func(f *store.Flow, known *store.Catalog) error {
		if e := known.Published(token); e != nil {
			v.Number = e.Number // the write was applied, and its result lost
			return nil
		}
		if v.Number != 0 && v.Number <= f.LastVersion && known.Version(v.Number) == nil {
			// The number of the last try is used, and its version is deleted: it may have been that
			// of this request.
			return errUpdateConflict()
		}
		if len(known.Versions) >= versionsMax {
			return fault.New(fault.InvalidArgument, "The flow has its limit of %d versions. "+
				"Delete some that no alias uses.", versionsMax)
		}
		return s.Store.PublishVersion(ctx, f, v, token, s.Engine.CollectDefinitionAt())
	})
	if err != nil {
		return nil, err
	}
	return versionView(q.FlowName, v), nil
}

func versionView(flowName string, v *store.Version) *FlowVersion {
	return &FlowVersion{FlowName: flowName, Version: v.Number, Description: v.Description,
		CreatedTime: v.Created}
}

// ListFlowVersions pages through a flow's versions, the newest first
// (docs/api.md#listflowversions). NextToken holds the number of the last version on the page.
func (s *Service) ListFlowVersions(
	ctx context.Context, c Caller, q ListOfFlowRequest,
) (*FlowVersionPage, error) {
	limit, after, err := checkListOfFlow(q)
	if err != nil {
		return nil, err
	}
	before := int64(0)
	if after != "" {
		if before, err = strconv.ParseInt(after, 10, 64); err != nil || before < 1 {
			return nil, errPageToken()
		}
	}
	f, catalog, err := s.readCatalog(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	entries := catalog.Versions
	if before > 0 {
		end := slices.IndexFunc(entries, func(e store.VersionEntry) bool {
			return e.Number >= before
		})
		if end >= 0 {
			entries = entries[:end]
		}
	}
	page := &FlowVersionPage{Versions: []FlowVersion{}}
	if len(entries) > limit {
		entries = entries[len(entries)-limit:]
		page.NextToken = encodePageToken(strconv.FormatInt(entries[0].Number, 10))
	}
	versions, err := s.Store.Versions(ctx, f, entries)
	if err != nil {
		return nil, FaultOf(err)
	}
	for _, v := range slices.Backward(versions) {
		page.Versions = append(page.Versions, *versionView(q.FlowName, v))
	}
	return page, nil
}

// checkListOfFlow checks the parameters of a list of a flow's resources. after is what the token
// holds, "" for the first page.
func checkListOfFlow(q ListOfFlowRequest) (limit int, after string, err error) {
	if err = checkName("FlowName", q.FlowName); err != nil {
		return 0, "", err
	}
	if limit, err = checkLimit(q.Limit, 1000); err != nil {
		return 0, "", err
	}
	if q.NextToken != "" {
		if after, err = decodePageToken(q.NextToken); err == nil && after == "" {
			err = errPageToken()
		}
	}
	return limit, after, err
}

// DeleteFlowVersion deletes a version that no alias uses (docs/api.md#deleteflowversion).
// Executions that were started with it go on with its definition.
func (s *Service) DeleteFlowVersion(
	ctx context.Context, c Caller, q DeleteFlowVersionRequest,
) error {
	if err := checkName("FlowName", q.FlowName); err != nil {
		return err
	}
	number, err := parseVersion("FlowVersion", q.FlowVersion)
	if err != nil {
		return err
	}
	tried := false
	return s.changeCatalog(ctx, c, q.FlowName, func(f *store.Flow, known *store.Catalog) error {
		switch {
		case known.Version(number) != nil:
		case tried:
			return nil // the write was applied, and its result lost
		default:
			return versionMissing(q.FlowName, q.FlowVersion)
		}
		if alias := known.Uses(number); alias != "" {
			return fault.New(fault.ConcurrentUpdateError, "Version '%s' for flow '%s' is used by "+
				"alias '%s'. Route the alias to other versions first.", q.FlowVersion, q.FlowName,
				alias)
		}
		tried = true
		return s.Store.DeleteVersion(ctx, f, number, s.Engine.CollectDefinitionAt())
	})
}

// parseVersion parses the number of a version; -1 if no version can have it.
func parseVersion(parameter, text string) (int64, error) {
	number, isVersion := flow.ParseVersion(text)
	if !isVersion {
		return 0, fault.New(fault.InvalidArgument,
			"%s %s is invalid: a version is a number, like 1.", parameter, value.Quote(text))
	}
	return number, nil
}

// described returns the flow that DescribeFlow shows: f, or a version of it.
func (s *Service) described(
	ctx context.Context, f *store.Flow, version string,
) (*store.Flow, error) {
	if version == "" {
		return f, nil
	}
	number, err := parseVersion("FlowVersion", version)
	if err != nil {
		return nil, err
	}
	known, err := f.Catalog()
	if err != nil {
		return nil, FaultOf(err)
	}
	at, err := s.Store.FlowAt(ctx, f, known, number)
	if errors.Is(err, store.ErrNotFound) {
		return nil, versionMissing(f.Name, version)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	return at, nil
}
