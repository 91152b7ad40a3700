package queue

import "time"

// Merge makes one message of those for the same partition, at the earliest of their times, and cuts delays to what lies
// between 0 and delayMax. The order is that of the first message for each partition. The argument stays as it is.
func Merge(messages []Message, delayMax time.Duration) []Message {
	merged := make([]Message, 0, len(messages))
	at := make(map[string]int, len(messages))
	for _, m := range messages {
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
