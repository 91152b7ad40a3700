package flow

// Dialect is the number of a dialect. The numbers are part of the row format. What differs between
// the dialects is a value of the package that needs it, one a dialect: here traits, and in the
// packages interp, task and flowtest a dialect.
type Dialect uint8

// The dialects.
const (
	FlowV1       Dialect = iota + 1 // `type: flow`
	StateMachine                    // `Type: StateMachine`
)

// traits is what differs between the dialects in the terms of this package.
type traits struct {
	// dataMax returns the byte limit of a state's input, output and local data.
	dataMax func(l *Limits) int
	// readFlow reads from the parameters which flow a task starts.
	readFlow func(c *ChildStart, text func(name string) string)
	// appendTask appends what TaskScheduled shows of the task itself.
	appendTask func(d *detail, t *TaskSpec)
}

var dialects = [...]traits{
	FlowV1: {
		dataMax: func(l *Limits) int { return l.EventBytesV1 },
		readFlow: func(c *ChildStart, text func(name string) string) {
			if c.Resource == "" {
				c.ByName, c.FlowName = true, text("FlowName")
			}
		},
		appendTask: func(d *detail, t *TaskSpec) {
			d.text("pattern", t.Pattern)
			if t.Resource != "" {
				d.text("resourceArn", t.Resource)
			} else {
				d.text("resourceArn", t.Action)
			}
		},
	},
	StateMachine: {
		dataMax: func(l *Limits) int { return l.EventBytes },
		readFlow: func(c *ChildStart, text func(name string) string) {
			c.Resource = text("resourceArn")
		},
		appendTask: func(*detail, *TaskSpec) {},
	},
}

// traits returns the traits of a dialect. A number that no dialect has is that of a damaged row, or
// not set.
func (d Dialect) traits() *traits {
	if d == 0 || int(d) >= len(dialects) {
		d = StateMachine
	}
	return &dialects[d]
}
