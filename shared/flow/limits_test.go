package flow_test

import (
	"testing"

	"millrace/shared/flow"
)

func TestDataRange(t *testing.T) {
	l := flow.Limits{EventBytes: 7, EventBytesV1: 3}
	if lowest, highest := l.DataRange(); lowest != 3 || highest != 7 {
		t.Errorf("from %d to %d", lowest, highest)
	}
	l = flow.Limits{EventBytes: 3, EventBytesV1: 7}
	if lowest, highest := l.DataRange(); lowest != 3 || highest != 7 {
		t.Errorf("from %d to %d", lowest, highest)
	}
	if v1, other := l.Data(flow.FlowV1), l.Data(flow.StateMachine); v1 != 7 || other != 3 {
		t.Errorf("%d and %d", v1, other)
	}
	if l.Data(0) != 3 || l.Data(200) != 3 {
		t.Error("a row without a dialect has another limit than StateMachine")
	}
}
