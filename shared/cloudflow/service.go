package cloudflow

import (
	"log/slog"
	"time"

	"millrace/shared/access"
	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// Options of a Service.
type Options struct {
	Store  *store.Store
	Runner *engine.Engine
	Limits flow.Limits
	Region string
	// Rights is that of the runner: here it also says which roles there are. nil: any, as on an
	// open server.
	Rights func(account, role, author string) (access.May, error)
	// WaitMax bounds a long poll, for homes that must answer sooner than a caller may ask to wait; 0: none.
	WaitMax time.Duration
	// PageBytes ends a page of a list or of a history early. 0: 1 MiB.
	PageBytes int
	Now       func() time.Time
	Log       *slog.Logger
}

// Service is the API over a store and a runner.
type Service struct{ Options }

// New returns a Service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PageBytes == 0 {
		o.PageBytes = pageBytes
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{o}
}

var _ API = (*Service)(nil)
