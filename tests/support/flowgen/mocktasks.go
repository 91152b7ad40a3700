package flowgen

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/value"
)

// MockTasks determines the results of the calls of a generated flow. The result of a call depends
// on the seed, the state, the input of a call without parameters, and how many such calls preceded
// it. A call that is repeated with the same key has the same result. MockTasks belongs to one run.
type MockTasks struct {
	seed   uint64
	number map[uint64]int // number of attempts so far, by hash of state and input
	known  map[string]int // number of an attempt, by key
}

// NewMockTasks returns the tasks of a seed, before their first call.
func NewMockTasks(seed uint64) *MockTasks {
	return &MockTasks{seed: seed, number: map[uint64]int{}, known: map[string]int{}}
}

// DelayedMessage is a message that arrives Delay ms after the call.
type DelayedMessage struct {
	Delay   int64
	Message interp.Message
}

// Call returns the messages that result from a call: its completion and, for a task that waits for
// a report, zero to two reports. Reports may arrive before or after the completion.
func (w *MockTasks) Call(c *interp.Call) []DelayedMessage {
	h := fnv.New64a()
	h.Write(binary.BigEndian.AppendUint64(nil, w.seed))
	h.Write([]byte(c.State))
	if c.Params == nil {
		h.Write(c.Input.Text())
	}
	id := h.Sum64()
	number, again := w.known[c.Key]
	if !again {
		number = w.number[id]
		w.number[id]++
		w.known[c.Key] = number
	}
	r := newRandom(id, uint64(number)+2)
	completion := interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt}
	delay := r.Int64N(4000)
	if c.WritesResults {
		completion.Output = []byte("{}")
		if r.IntN(20) == 0 {
			completion.Error = &flow.Error{Name: flow.ErrResultWriter, Cause: "nothing is written"}
		}
		return []DelayedMessage{{delay, completion}}
	}
	if c.ReadsItems {
		readItems(c, &completion)
		return []DelayedMessage{{delay, completion}}
	}
	if c.Task.Mode == flow.RequestComplete {
		w.outcome(r, &completion)
		return []DelayedMessage{{delay, completion}}
	}
	if r.IntN(8) == 0 {
		completion.Error = &flow.Error{Name: errorNames[r.IntN(len(errorNames))],
			Cause: "the call failed"}
		return []DelayedMessage{{delay, completion}}
	}
	completion.Output = []byte("{}")
	if c.Task.Mode == flow.WaitForSystemCallback && r.IntN(3) == 0 {
		completion.Async = true
		w.outcome(r, &completion)
		return []DelayedMessage{{delay, completion}}
	}
	out := []DelayedMessage{{delay, completion}}
	token, ok := interp.ParseToken(c.Token)
	if !ok {
		panic("flowgen: a call's token cannot be read")
	}
	for range r.IntN(3) {
		report := interp.Message{Kind: interp.TaskReported, TokenID: token.ID, Mark: r.Uint64() | 1}
		w.outcome(r, &report)
		out = append(out, DelayedMessage{r.Int64N(8000), report})
	}
	return out
}

// readItems sets the block that a call reads: up to three items of the object, whose key says how
// many it has. An object of 13 items is broken in its middle.
func readItems(c *interp.Call, m *interp.Message) {
	q := c.Params.Tree().(map[string]any)
	number := func(tree any, name string) int {
		members, _ := tree.(map[string]any)
		n, _ := members[name].(value.Number)
		i, _ := value.Int(n)
		return int(i)
	}
	key, _ := q["Source"].(map[string]any)["Key"].(string)
	total, err := strconv.Atoi(key)
	if err != nil {
		panic("flowgen: the key of an object is no number: " + key)
	}
	from := number(q["Cursor"], "Offset")
	if total == 13 && from >= 6 {
		m.Error = &flow.Error{Name: flow.ErrItemReader, Cause: "line 7 is broken"}
		return
	}
	to := min(total, from+min(3, number(q, "ItemsMax")))
	items := []any{}
	for i := from; i < to; i++ {
		items = append(items, map[string]any{"i": value.FromInt(int64(i))})
	}
	m.Output = value.Encode(map[string]any{"Items": items, "End": to == total,
		"Cursor": map[string]any{"Offset": value.FromInt(int64(to))}})
}

// outcome sets a random output or error.
func (w *MockTasks) outcome(r *random, m *interp.Message) {
	if r.IntN(4) == 0 {
		m.Output, m.Error = nil, &flow.Error{Name: errorNames[r.IntN(len(errorNames))],
			Cause: fmt.Sprintf("cause %d", r.IntN(100))}
		return
	}
	var v any
	switch r.IntN(8) {
	case 0:
		v = value.FromInt(r.Int64N(100))
	case 1:
		v = []any{value.FromInt(1), "two"}
	default:
		text := make([]byte, [...]int{0, 5, 20, 290, 2000}[r.IntN(5)])
		for i := range text {
			text[i] = byte('a' + r.IntN(26))
		}
		v = map[string]any{"n": value.FromInt(r.Int64N(10)), "text": string(text),
			"items": []any{value.FromInt(1), "b"}}
	}
	m.Output = value.Encode(v)
}
