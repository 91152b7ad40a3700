package engine

import "context"

// backgroundKey is the context key of the partition that background work is for.
type backgroundKey struct{}

// backgroundContext returns a context for background work of the engine on an execution.
func (e *Engine) backgroundContext(partition string) context.Context {
	return context.WithValue(e.ctx, backgroundKey{}, partition)
}

// BackgroundPartition returns the execution for which the engine calls a store or a queue in the
// background, where the call itself does not name it: reading a definition, or delivering an outbox
// entry. It returns "" for every other call.
func BackgroundPartition(ctx context.Context) string {
	partition, _ := ctx.Value(backgroundKey{}).(string)
	return partition
}
