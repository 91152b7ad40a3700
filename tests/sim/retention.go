package sim

import "millrace/shared/store"

// "retention": an ended execution is kept for its retention, and a running one for that long after
// its deadline.
func (w *World) judgeRetention(x *store.Execution) {
	w.checked("retention")
	least := x.Deadline
	if x.Status.Final() {
		least = min(x.Stopped, x.Deadline)
	}
	if least += w.retention.Milliseconds(); x.Expires < least {
		w.violate("retention", "%s v%d is %v and expires at %d, it is to be kept until %d",
			x.Partition(), x.Version, x.Status, x.Expires, least)
	}
}
