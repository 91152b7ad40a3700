package runner

import "context"

// errandKey is the key of an errand in a context.
type errandKey struct{}

// errand is a context for what the runner does for an execution on its own account, in the background.
func (r *Runner) errand(partition string) context.Context {
	return context.WithValue(r.life, errandKey{}, partition)
}

// ErrandOf tells for which execution the runner calls a store or a queue in the background, where the call itself does
// not name it: when it reads a definition, or delivers what follows from an end. "" for every other call.
func ErrandOf(ctx context.Context) string {
	partition, _ := ctx.Value(errandKey{}).(string)
	return partition
}
