package queue

import "time"

// Merge makes one message of those for the same partition, at the earliest of their times, and cuts delays to what lies
// between 0 and delayMax. The order is that of the first message for each partition. The argument stays as it is.
func Merge(hints []Hint, delayMax time.Duration) []Hint {
	merged := make([]Hint, 0, len(hints))
	at := make(map[string]int, len(hints))
	for _, m := range hints {
		m.Delay = min(max(m.Delay, 0), delayMax)
		if i, ok := at[m.Partition]; ok {
			merged[i].Delay = min(merged[i].Delay, m.Delay)
			continue
		}
		at[m.Partition] = len(merged)
		merged = append(merged, m)
	}
	return merged
}
