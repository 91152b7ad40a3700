package flowtest

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/value"
)

// MockTasks is what the tasks of a generated flow come to. What a call is told depends on the seed, the state, what it is
// called with and on which of the attempts with these it is; a call repeated under its key is told the same. A World
// belongs to one run.
type MockTasks struct {
	seed   uint64
	number map[uint64]int // attempts so far, by state and data
	known  map[string]int // number of an attempt, by key
}

// NewMockTasks is the world of a seed, before anything has happened in it.
func NewMockTasks(seed uint64) *MockTasks {
	return &MockTasks{seed: seed, number: map[uint64]int{}, known: map[string]int{}}
}

// DelayedMessage is a piece of news that comes Delay ms after the call.
type DelayedMessage struct {
	Delay   int64
	Message interp.Message
}

// Call tells what comes of a call: its answer, and for a task that waits for a report the report, which may come
// before the answer, after it, more than once or never. A lost call gives nothing.
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
	answer := interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt}
	delay := r.Int64N(4000)
	if c.Task.Mode == flow.RequestComplete {
		w.outcome(r, &answer)
		return []DelayedMessage{{delay, answer}}
	}
	if r.IntN(8) == 0 {
		answer.Error = &flow.Error{Name: errorNames[r.IntN(len(errorNames))], Cause: "the call failed"}
		return []DelayedMessage{{delay, answer}}
	}
	answer.Output = []byte("{}")
	if c.Task.Mode == flow.WaitForSystemCallback && r.IntN(3) == 0 {
		answer.Async = true
		w.outcome(r, &answer)
		return []DelayedMessage{{delay, answer}}
	}
	out := []DelayedMessage{{delay, answer}}
	token, ok := interp.ParseToken(c.Token)
	if !ok {
		panic("flowtest: a call's token cannot be read")
	}
	for range r.IntN(3) {
		report := interp.Message{Kind: interp.TaskReported, TokenID: token.ID, Mark: r.Uint64() | 1}
		w.outcome(r, &report)
		out = append(out, DelayedMessage{r.Int64N(8000), report})
	}
	return out
}

// outcome is a result or an error.
func (w *MockTasks) outcome(r *random, n *interp.Message) {
	if r.IntN(4) == 0 {
		n.Output, n.Error = nil, &flow.Error{Name: errorNames[r.IntN(len(errorNames))], Cause: fmt.Sprintf("cause %d", r.IntN(100))}
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
		v = map[string]any{"n": value.FromInt(r.Int64N(10)), "text": string(text), "items": []any{value.FromInt(1), "b"}}
	}
	n.Output = value.Encode(v)
}
