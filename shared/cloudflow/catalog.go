package cloudflow

import (
	"context"
	"errors"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/fault"
	"millrace/shared/share"
	"millrace/shared/store"
)

// Limits of a flow's versions and aliases (docs/api.md#versions-and-aliases). All of them are named
// in the flow's row, which every start reads.
const (
	versionsMax = 1000
	aliasesMax  = 100
)

// catalogTries is how often a change of a flow's versions or aliases is tried, if other changes of
// the flow are faster.
const catalogTries = 6

var catalogBackoff = backoff.Policy{Min: 5 * time.Millisecond, Max: 100 * time.Millisecond}

// changeCatalog reads a flow and calls change, which writes the flow with a changed catalog or
// returns a fault. If another change of the flow is faster, or the outcome of the write is unknown,
// it reads the flow again and repeats the call: change must recognize what it has already done.
func (s *Service) changeCatalog(
	ctx context.Context, c Caller, flowName string,
	change func(*store.Flow, *store.Catalog) error,
) error {
	for try := 0; ; try++ {
		f, err := s.getFlow(ctx, c, flowName)
		if err != nil {
			return err
		}
		catalog, err := f.Catalog()
		if err != nil {
			return FaultOf(err)
		}
		err = change(f, catalog)
		switch {
		case err == nil:
			return nil
		case final(err) || try+1 == catalogTries && !errors.Is(err, store.ErrConflict):
			return FaultOf(err)
		case try+1 == catalogTries:
			return errUpdateConflict()
		}
		if d := catalogBackoff.After(try); !backoff.Wait(ctx,
			time.Duration(s.Store.Random(f.ID)%uint64(d))) {
			return FaultOf(ctx.Err())
		}
	}
}

// final reports whether a change that failed must not be tried again: the request is rejected, or
// the store is.
func final(err error) bool {
	var f *fault.Error
	var limit *share.LimitError
	return errors.As(err, &f) || errors.As(err, &limit) || store.IsDamaged(err) ||
		errors.Is(err, store.ErrDiskFull) || errors.Is(err, store.ErrDiskFullUnknown) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func errUpdateConflict() error {
	return fault.New(fault.ConcurrentUpdateError, "Update conflict, please retry.")
}

func versionMissing(flowName, version string) error {
	return fault.New(fault.FlowVersionNotExists, "Version '%s' for flow '%s' does not exist.",
		version, flowName)
}

func aliasMissing(flowName, alias string) error {
	return fault.New(fault.FlowAliasNotExists, "Alias '%s' for flow '%s' does not exist.", alias,
		flowName)
}

// readCatalog reads a flow and its catalog.
func (s *Service) readCatalog(
	ctx context.Context, c Caller, flowName string,
) (*store.Flow, *store.Catalog, error) {
	f, err := s.getFlow(ctx, c, flowName)
	if err != nil {
		return nil, nil, err
	}
	catalog, err := f.Catalog()
	if err != nil {
		return nil, nil, FaultOf(err)
	}
	return f, catalog, nil
}
