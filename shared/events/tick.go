package events

// DecodeTick accepts a tick of the scheduler: {"kind":"sweep"}, EventBridge's "Scheduled Event", or
// the event of a timer trigger of Function Compute.
func DecodeTick(event []byte) error { return expect(event, TickEvent) }
