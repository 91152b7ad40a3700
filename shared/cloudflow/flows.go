package cloudflow

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/store"
)

const descriptionMax = 4096

// CreateFlow checks a definition completely and stores the flow (docs/api.md#createflow).
func (s *Service) CreateFlow(ctx context.Context, c Caller, q CreateFlowRequest) (*Flow, error) {
	if err := checkName("Name", q.Name); err != nil {
		return nil, err
	}
	if err := checkFlowFields(q.Type, q.ExecutionMode, q.Description); err != nil {
		return nil, err
	}
	if err := checkReferences(q.RoleArn, q.ResourceGroupID, q.ExternalStorageLocation); err != nil {
		return nil, err
	}
	env, err := environment(q.Environment)
	if err != nil {
		return nil, err
	}
	hiddenPaths, err := parseHiddenPaths(q.HiddenPaths)
	if err != nil {
		return nil, err
	}
	searchKeys, err := parseSearchKeys(q.SearchKeys)
	if err != nil {
		return nil, err
	}
	m, err := s.checkDefinition(q.Name, q.ExecutionMode, q.Definition)
	if err != nil {
		return nil, err
	}
	if err := s.checkRole(c, q.RoleArn, true); err != nil {
		return nil, err
	}
	if err := s.checkFlowTargets(c, q.RoleArn, m); err != nil {
		return nil, err
	}
	if n, err := s.Store.CountFlows(ctx, c.Account, s.Limits.Flows+1); err != nil {
		return nil, FaultOf(err)
	} else if n >= s.Limits.Flows {
		// FlowAlreadyExists comes before the limit: with a flow of this name, no flow would be
		// added.
		if _, err := s.Store.GetFlow(ctx, c.Account, q.Name); err == nil {
			return nil, flowExists(q.Name)
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, FaultOf(err)
		}
		return nil, fault.New(fault.InvalidArgument, "The account has its limit of %d flows.",
			s.Limits.Flows)
	}
	now := s.Now().UnixMilli()
	f := &store.Flow{
		Account:         c.Account,
		Name:            q.Name,
		ID:              uuid(s.random16(q.Name)),
		Type:            q.Type,
		Description:     q.Description,
		RoleArn:         q.RoleArn,
		Mode:            q.ExecutionMode,
		ExternalStorage: q.ExternalStorageLocation,
		ResourceGroup:   q.ResourceGroupID,
		Environment:     env,
		HiddenPaths:     hiddenPaths,
		SearchKeys:      searchKeys,
		Author:          c.Identity,
		Created:         now,
		Modified:        now,
		Dialect:         m.Dialect,
		TimeoutSeconds:  m.TimeoutSeconds,
	}
	if f.Type == "" {
		f.Type = "FDL"
	}
	err = s.Store.CreateFlow(ctx, f, q.Definition, s.Engine.CollectDefinitionAt())
	if errors.Is(err, store.ErrConflict) {
		// The write may have been applied and its result lost. The stored flow then has the id that
		// this request generated.
		if got, gerr := s.Store.GetFlow(ctx, c.Account, q.Name); gerr == nil && got.ID == f.ID {
			return flowView(f, q.Definition), nil
		}
		return nil, flowExists(q.Name)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	return flowView(f, q.Definition), nil
}

func flowExists(name string) error {
	return fault.New(fault.FlowAlreadyExists, "Flow '%s' already exists.", name)
}

func checkFlowFields(typ, mode, description string) error {
	if typ != "" && typ != "FDL" && typ != "DEFAULT" {
		return fault.New(fault.InvalidArgument, "Type must be FDL.")
	}
	if mode != "" && mode != flow.Standard && mode != flow.Express {
		return fault.New(fault.InvalidArgument, "ExecutionMode must be Standard or Express.")
	}
	return checkDescription(description)
}

func checkDescription(description string) error {
	if len(description) > descriptionMax {
		return fault.New(fault.InvalidArgument, "Description must have at most %d bytes.",
			descriptionMax)
	}
	return nil
}

// checkDefinition rejects a definition that cannot run. The fault describes the first mistake.
func (s *Service) checkDefinition(name, mode, text string) (*flow.Machine, error) {
	if len(text) > s.Limits.DefinitionBytes {
		return nil, fault.TooLarge(s.Limits.DefinitionBytes)
	}
	m, diagnostics := fdl.Parse([]byte(text), fdl.Options{Name: name, Mode: mode, Limits: s.Limits})
	if m == nil {
		return nil, fdl.Fault(diagnostics)
	}
	return m, nil
}

// UpdateFlow changes the fields that the request has (docs/api.md#updateflow). Running executions
// keep the definition they started with.
func (s *Service) UpdateFlow(ctx context.Context, c Caller, q UpdateFlowRequest) (*Flow, error) {
	if err := checkName("Name", q.Name); err != nil {
		return nil, err
	}
	if err := checkFlowFields(deref(q.Type), "", deref(q.Description)); err != nil {
		return nil, err
	}
	if err := checkReferences(deref(q.RoleArn), "", deref(q.ExternalStorageLocation)); err != nil {
		return nil, err
	}
	env, err := environment(deref(q.Environment))
	if err != nil {
		return nil, err
	}
	hiddenPaths, err := parseHiddenPaths(deref(q.HiddenPaths))
	if err != nil {
		return nil, err
	}
	searchKeys, err := parseSearchKeys(deref(q.SearchKeys))
	if err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.Name)
	if err != nil {
		return nil, s.malformedFirst(q, err)
	}
	definition := deref(q.Definition)
	var m *flow.Machine
	if definition == "" {
		if definition, err = s.Store.Definition(ctx, f.ID, f.Hash); err != nil {
			return nil, FaultOf(err)
		}
	} else {
		if m, err = s.checkDefinition(q.Name, f.Mode, definition); err != nil {
			return nil, err
		}
		f.Dialect, f.TimeoutSeconds = m.Dialect, m.TimeoutSeconds
	}
	applyUpdate(f, q, env)
	if q.HiddenPaths != nil {
		f.HiddenPaths = hiddenPaths
	}
	if q.SearchKeys != nil {
		f.SearchKeys = searchKeys
	}
	if changesBehavior(q) {
		// A stored definition that no longer passes the checks has no machine whose targets could
		// be checked. Its tasks are authorized when they act.
		if m == nil {
			m, _ = s.checkDefinition(q.Name, f.Mode, definition)
		}
		if err := s.changeAuthor(c, f, q, m); err != nil {
			return nil, err
		}
	}
	f.Modified = max(s.Now().UnixMilli(), f.Modified+1)
	err = s.Store.UpdateFlow(ctx, f, definition, s.Engine.CollectDefinitionAt())
	if errors.Is(err, store.ErrConflict) {
		return nil, errUpdateConflict()
	} else if err != nil {
		return nil, FaultOf(err)
	}
	return c.visibility(f, "").filterUpdated(flowView(f, definition), q), nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// malformedFirst returns the fault of an update's definition instead of the fault of the missing
// flow, because format errors come before existence (docs/api.md#order-of-checks). The mode of a
// missing flow is unknown, so the definition is malformed only if it is so in both modes.
func (s *Service) malformedFirst(q UpdateFlowRequest, missing error) error {
	if q.Definition == nil || *q.Definition == "" || fault.CodeOf(missing) != fault.FlowNotExists {
		return missing
	}
	_, err := s.checkDefinition(q.Name, flow.Standard, *q.Definition)
	if err == nil {
		return missing
	}
	if _, other := s.checkDefinition(q.Name, flow.Express, *q.Definition); other == nil {
		return missing
	}
	return err
}

// applyUpdate applies the fields of a checked update. An empty Type is ignored; an empty
// Description, RoleArn or Environment clears the field.
func applyUpdate(f *store.Flow, q UpdateFlowRequest, env []flow.Variable) {
	if t := deref(q.Type); t != "" {
		f.Type = t
	}
	for _, p := range []struct {
		to   *string
		from *string
	}{{&f.Description, q.Description}, {&f.RoleArn, q.RoleArn},
		{&f.ExternalStorage, q.ExternalStorageLocation}} {
		if p.from != nil {
			*p.to = *p.from
		}
	}
	if q.Environment != nil {
		f.Environment = env
	}
}

// DescribeFlow returns a flow (docs/api.md#describeflow).
func (s *Service) DescribeFlow(
	ctx context.Context, c Caller, q DescribeFlowRequest,
) (*Flow, error) {
	if err := checkName("Name", q.Name); err != nil {
		return nil, err
	}
	f, err := s.getFlow(ctx, c, q.Name)
	if err != nil {
		return nil, err
	}
	if f, err = s.described(ctx, f, q.FlowVersion); err != nil {
		return nil, err
	}
	return s.withDefinition(ctx, f)
}

func (s *Service) withDefinition(ctx context.Context, f *store.Flow) (*Flow, error) {
	text, err := s.Store.Definition(ctx, f.ID, f.Hash)
	if err != nil {
		return nil, FaultOf(err)
	}
	return flowView(f, text), nil
}

// DeleteFlow deletes a flow. Its name is free at once, its executions are stopped and cannot be
// queried any more.
func (s *Service) DeleteFlow(ctx context.Context, c Caller, q DeleteFlowRequest) error {
	if err := checkName("Name", q.Name); err != nil {
		return err
	}
	f, err := s.getFlow(ctx, c, q.Name)
	if err != nil {
		return err
	}
	err = s.Store.DeleteFlow(ctx, f)
	if errors.Is(err, store.ErrConflict) {
		return errUpdateConflict()
	} else if err != nil {
		return FaultOf(err)
	}
	s.Engine.PurgeDeletedFlow(f.ID)
	return nil
}

// pageBytes is the default of Options.PageBytes.
const pageBytes = 1 << 20

// listChunk is how many entries of the list one read takes after the first read of a page. Flows
// that the caller may not see cost no read of their rows.
const listChunk = 500

// ListFlows pages by name through the flows of the account that the caller may describe
// (docs/api.md#listflows). NextToken holds the name of the last flow on the page, so a page must
// not end at a flow that it does not show. ListFlows therefore reads on past flows that it skips.
// The number of flows of an account is limited, and ctx bounds the time.
func (s *Service) ListFlows(ctx context.Context, c Caller, q ListFlowsRequest) (*FlowPage, error) {
	limit, err := checkLimit(q.Limit, 1000)
	if err != nil {
		return nil, err
	}
	after := ""
	if q.NextToken != "" {
		if after, err = decodePageToken(q.NextToken); err != nil || !flow.ValidName(after) {
			return nil, errPageToken()
		}
	}
	page, size := &FlowPage{Flows: []Flow{}}, 0
	keep := func(name string) bool { return c.may("fnf:DescribeFlow", name) }
	for chunk := min(limit, 100); ; chunk = listChunk {
		listed, err := s.Store.ListFlows(ctx, c.Account, after, chunk, keep)
		if err != nil {
			return nil, FaultOf(err)
		}
		for i, f := range listed.Flows {
			after = f.Name
			if q.ResourceGroupID != "" && f.ResourceGroup != q.ResourceGroupID {
				continue
			}
			shown, err := s.withDefinition(ctx, f)
			if err != nil {
				return nil, err
			}
			page.Flows = append(page.Flows, *shown)
			size += len(shown.Definition) + 512
			if len(page.Flows) == limit || size > s.PageBytes {
				if listed.Last != "" || i+1 < len(listed.Flows) {
					page.NextToken = encodePageToken(after)
				}
				return page, nil
			}
		}
		if after = listed.Last; after == "" {
			return page, nil
		}
	}
}

func flowView(f *store.Flow, definition string) *Flow {
	return &Flow{
		ID:                      f.ID,
		Name:                    f.Name,
		Type:                    f.Type,
		Definition:              definition,
		Description:             f.Description,
		RoleArn:                 f.RoleArn,
		ExecutionMode:           f.Mode,
		ExternalStorageLocation: f.ExternalStorage,
		ResourceGroupID:         f.ResourceGroup,
		CreatedTime:             f.Created,
		LastModifiedTime:        f.Modified,
		Environment:             variables(f.Environment, true),
		HiddenPaths:             f.HiddenPaths,
		SearchKeys:              f.SearchKeys,
	}
}

// random16 returns random bytes. purpose names what they are for.
func (s *Service) random16(about string) (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], s.Store.Random(about))
	binary.BigEndian.PutUint64(b[8:], s.Store.Random(about))
	return b
}

// uuid formats 16 bytes as a version 4 UUID.
func uuid(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// DescribeRegions returns the one region of this deployment.
func (s *Service) DescribeRegions(_ context.Context, c Caller) ([]Region, error) {
	return []Region{{ID: s.Region, LocalName: s.Region, Endpoint: c.Host}}, nil
}
