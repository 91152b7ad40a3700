package cloudflow

import (
	"log/slog"
	"time"

	"millrace/shared/access"
	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// Options configure a Service.
type Options struct {
	Store  *store.Store
	Engine *engine.Engine
	Limits flow.Limits
	Region string
	// Rights is the engine's Rights. The service also uses it to check that a role exists. nil, as
	// on an open server, means that every role exists and allows everything.
	Rights func(account, role, author string) (access.May, error)
	// WaitMax bounds a long poll, for platforms that must respond before the longest wait that a
	// caller may request. 0: no bound.
	WaitMax time.Duration
	// PageBytes ends a page of a list or of a history early. 0: 1 MiB.
	PageBytes int
	Now       func() time.Time
	Log       *slog.Logger
}

// Service implements API over a store and an engine.
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
