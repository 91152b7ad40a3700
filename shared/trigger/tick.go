package trigger

// DecodeTick accepts a tick of the scheduler: {"kind":"sweep"}, or EventBridge's "Scheduled Event".
func DecodeTick(event []byte) error { return expect(event, TickEvent) }
