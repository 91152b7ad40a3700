package app_test

import (
	"context"
	"testing"

	"millrace/shared/app"
	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/share"
	"millrace/shared/task"
)

// used returns how much all accounts hold of the response pools.
func used(of *inflight.Responses) (n int64) {
	for _, p := range []*share.Pool{of.Reading, of.Decoded} {
		for _, u := range p.Usage() {
			n += u.Held + int64(u.Waiting)
		}
	}
	return n
}

// TestBoundedTasks: a runner that holds bytes and panics leaves nothing held. Every other result
// has a function that releases them.
func TestBoundedTasks(t *testing.T) {
	of := app.NewResponses(64<<20, flow.DefaultLimits(), true)
	hold := func(end func() task.Result) task.Runner {
		return app.LimitResponses(task.RunnerFunc(func(ctx context.Context,
			_ task.Request) task.Result {
			if err := inflight.ResponseFromContext(ctx).Hold(ctx, 1000); err != nil {
				t.Error(err)
			}
			if used(of) != 1000 {
				t.Errorf("%d bytes are held", used(of))
			}
			return end()
		}), of)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		hold(func() task.Result { panic("broken") }).Run(t.Context(), task.Request{Account: "a"})
	}()
	if used(of) != 0 {
		t.Errorf("%d bytes are held after a panic", used(of))
	}
	for _, end := range []task.Result{{Output: []byte("1")}, task.Fail("A", "b")} {
		result := hold(func() task.Result { return end }).Run(t.Context(),
			task.Request{Account: "a"})
		result.Release()
		if used(of) != 0 {
			t.Errorf("%d bytes are held after %+v", used(of), end)
		}
	}
}
