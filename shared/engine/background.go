package engine

import "context"

// backgroundKey is the key of an errand in a context.
type backgroundKey struct{}

// backgroundContext is a context for what the runner does for an execution on its own account, in the background.
func (r *Engine) backgroundContext(partition string) context.Context {
	return context.WithValue(r.ctx, backgroundKey{}, partition)
}

// BackgroundPartition tells for which execution the runner calls a store or a queue in the background, where the call itself does
// not name it: when it reads a definition, or delivers what follows from an end. "" for every other call.
func BackgroundPartition(ctx context.Context) string {
	partition, _ := ctx.Value(backgroundKey{}).(string)
	return partition
}
