package queue

import "time"

// Merge merges the hints of each partition into one, with the shortest of their delays, and limits
// delays to the range from 0 to delayMax. The result has the order of the first hint of each
// partition. Merge does not modify hints.
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
