package cloudflow

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// CreateFlowAlias creates an alias (docs/api.md#createflowalias).
func (s *Service) CreateFlowAlias(
	ctx context.Context, c Caller, q CreateFlowAliasRequest,
) (*FlowAlias, error) {
	if err := checkAliasNames(q.FlowName, q.Name); err != nil {
		return nil, err
	}
	if err := checkDescription(q.Description); err != nil {
		return nil, err
	}
	routes, err := parseRoutes(q.RoutingConfigurations)
	if err != nil {
		return nil, err
	}
	token := s.Store.Random(q.FlowName)
	a := &store.Alias{Name: q.Name, Description: q.Description, Created: s.Now().UnixMilli(),
		Routes: routes}
	err = s.changeCatalog(ctx, c, q.FlowName, func(f *store.Flow, known *store.Catalog) error {
		switch e := known.Alias(q.Name); {
		case e != nil && e.Token == token:
			return nil // the write was applied, and its result lost
		case e != nil:
			return fault.New(fault.FlowAliasAlreadyExists,
				"Alias '%s' for flow '%s' already exists.", q.Name, q.FlowName)
		case len(known.Aliases) >= aliasesMax:
			return fault.New(fault.InvalidArgument, "The flow has its limit of %d aliases.",
				aliasesMax)
		}
		if err := checkRoutes(q.FlowName, known, routes); err != nil {
			return err
		}
		return s.Store.PutAlias(ctx, f, a, token, s.Engine.CollectDefinitionAt())
	})
	if err != nil {
		return nil, err
	}
	return aliasView(q.FlowName, a), nil
}

// UpdateFlowAlias changes the fields that the request has (docs/api.md#updateflowalias).
func (s *Service) UpdateFlowAlias(
	ctx context.Context, c Caller, q UpdateFlowAliasRequest,
) (*FlowAlias, error) {
	if err := checkAliasNames(q.FlowName, q.Name); err != nil {
		return nil, err
	}
	if err := checkDescription(deref(q.Description)); err != nil {
		return nil, err
	}
	var routes []store.Route
	if deref(q.RoutingConfigurations) != "" {
		var err error
		if routes, err = parseRoutes(*q.RoutingConfigurations); err != nil {
			return nil, err
		}
	}
	token, first := s.Store.Random(q.FlowName), uint64(0)
	var a *store.Alias
	err := s.changeCatalog(ctx, c, q.FlowName, func(f *store.Flow, known *store.Catalog) error {
		e := known.Alias(q.Name)
		if e == nil {
			return aliasMissing(q.FlowName, q.Name)
		}
		if first = cmp.Or(first, e.Token); e.Token != first && e.Token != token {
			return errUpdateConflict() // perhaps an update of what this request has written
		}
		var err error
		if a, err = s.Store.Alias(ctx, f, e); errors.Is(err, store.ErrNotFound) {
			return store.ErrConflict // it was changed after the flow was read
		} else if err != nil || e.Token == token {
			return err // if the token is that of the request, the write was applied
		}
		if q.Description != nil {
			a.Description = *q.Description
		}
		if routes != nil {
			a.Routes = routes
		}
		if err := checkRoutes(q.FlowName, known, a.Routes); err != nil {
			return err
		}
		return s.Store.PutAlias(ctx, f, a, token, s.Engine.CollectDefinitionAt())
	})
	if err != nil {
		return nil, err
	}
	shown := aliasView(q.FlowName, a)
	if !c.may("fnf:DescribeFlowAlias", q.FlowName) {
		shown.hideUnsent(q)
	}
	return shown, nil
}

// hideUnsent hides the fields that an update did not send from a caller that may not describe the
// alias.
func (a *FlowAlias) hideUnsent(sent UpdateFlowAliasRequest) {
	if sent.Description == nil {
		a.Description = ""
	}
	if deref(sent.RoutingConfigurations) == "" {
		a.Routes = nil
	}
}

// DescribeFlowAlias returns an alias (docs/api.md#describeflowalias).
func (s *Service) DescribeFlowAlias(
	ctx context.Context, c Caller, q FlowAliasRequest,
) (*FlowAlias, error) {
	if err := checkAliasNames(q.FlowName, q.Name); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		f, known, err := s.readCatalog(ctx, c, q.FlowName)
		if err != nil {
			return nil, err
		}
		e := known.Alias(q.Name)
		if e == nil {
			return nil, aliasMissing(q.FlowName, q.Name)
		}
		a, err := s.Store.Alias(ctx, f, e)
		switch {
		case err == nil:
			return aliasView(q.FlowName, a), nil
		case !errors.Is(err, store.ErrNotFound) || try+1 == catalogTries:
			return nil, FaultOf(err)
		}
	}
}

// DeleteFlowAlias deletes an alias (docs/api.md#deleteflowalias).
func (s *Service) DeleteFlowAlias(ctx context.Context, c Caller, q FlowAliasRequest) error {
	if err := checkAliasNames(q.FlowName, q.Name); err != nil {
		return err
	}
	tried := uint64(0)
	return s.changeCatalog(ctx, c, q.FlowName, func(f *store.Flow, known *store.Catalog) error {
		e := known.Alias(q.Name)
		switch {
		case e == nil && tried != 0:
			return nil // the write was applied, and its result lost
		case e == nil:
			return aliasMissing(q.FlowName, q.Name)
		case tried != 0 && e.Token != tried:
			return errUpdateConflict() // perhaps created after this request has deleted it
		}
		tried = e.Token
		return s.Store.DeleteAlias(ctx, f, q.Name, s.Engine.CollectDefinitionAt())
	})
}

// ListFlowAliases pages through a flow's aliases by name (docs/api.md#listflowaliases). NextToken
// holds the name of the last alias on the page.
func (s *Service) ListFlowAliases(
	ctx context.Context, c Caller, q ListOfFlowRequest,
) (*FlowAliasPage, error) {
	limit, after, err := checkListOfFlow(q)
	if err != nil {
		return nil, err
	}
	if after != "" && !flow.ValidName(after) {
		return nil, errPageToken()
	}
	f, known, err := s.readCatalog(ctx, c, q.FlowName)
	if err != nil {
		return nil, err
	}
	entries := known.Aliases
	if start := slices.IndexFunc(entries, func(e store.AliasEntry) bool {
		return e.Name > after
	}); start >= 0 {
		entries = entries[start:]
	} else {
		entries = nil
	}
	page := &FlowAliasPage{Aliases: []FlowAlias{}}
	if len(entries) > limit {
		entries = entries[:limit]
		page.NextToken = encodePageToken(entries[limit-1].Name)
	}
	aliases, err := s.Store.Aliases(ctx, f, entries)
	if err != nil {
		return nil, FaultOf(err)
	}
	for _, a := range aliases {
		page.Aliases = append(page.Aliases, *aliasView(q.FlowName, a))
	}
	return page, nil
}

func aliasView(flowName string, a *store.Alias) *FlowAlias {
	shown := &FlowAlias{FlowName: flowName, Name: a.Name, Description: a.Description,
		CreatedTime: a.Created, Routes: make([]Route, len(a.Routes))}
	for i, r := range a.Routes {
		shown.Routes[i] = Route(r)
	}
	return shown
}

func checkAliasNames(flowName, alias string) error {
	if err := checkName("FlowName", flowName); err != nil {
		return err
	}
	return checkName("Name", alias)
}
