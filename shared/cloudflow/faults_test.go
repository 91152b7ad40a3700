package cloudflow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// fullDisk is a driver that rejects every write.
type fullDisk struct{ driver.Driver }

func (fullDisk) Commit(context.Context, []driver.Row, driver.Row, driver.Condition) error {
	return store.ErrDiskFull
}
func (fullDisk) Put(context.Context, []driver.Row) error { return store.ErrDiskFull }

// TestFullDisk: the fault says that the disk is full; it is not an internal error.
func TestFullDisk(t *testing.T) {
	s := newServiceOn(fullDisk{memstore.New()})
	_, err := s.CreateFlow(t.Context(), cloudflow.Caller{Account: "1"},
		cloudflow.CreateFlowRequest{Name: "f", Definition: passFlow})
	if code := fault.CodeOf(err); code != fault.ServiceUnavailable || code.Status() != 503 ||
		!code.Retryable() {
		t.Errorf("%v", err)
	}
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{fmt.Errorf("put: %w", store.ErrDiskFullUnknown), fault.ServiceUnavailable},
		{fault.Internal(store.ErrDiskFull), fault.ServiceUnavailable},
		{fault.New(fault.TaskInvalidState, "x"), fault.TaskInvalidState},
		{errors.New("torn"), fault.InternalServerError},
	} {
		if got := fault.CodeOf(cloudflow.FaultOf(c.err)); got != c.want {
			t.Errorf("%v is told as %s", c.err, got)
		}
	}
}
