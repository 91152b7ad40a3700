// Command alibaba creates the resources of Alibaba Cloud that Millrace needs and s.yaml does not
// create: the TableStore instance, its table and indexes, the queues with their dead-letter queues,
// roles with the policies of infra/alibaba/policies, the log project, the service-linked roles of
// EventBridge, and alarms. Run it before s.yaml is deployed; see docs/alibaba.md.
//
// The command may be repeated. It corrects resources that were changed and never deletes anything.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"millrace/shared/alibaba"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "alibaba:", err)
		os.Exit(1)
	}
}

// run does what the arguments and the environment say, and prints its steps to out.
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	c, err := parse(args, getenv)
	if err != nil {
		return err
	}
	k := &cloud{config: c, credentials: findCredentials(getenv)}
	if _, err := k.credentials(ctx); errors.Is(err, alibaba.ErrNoCredentials) {
		return fmt.Errorf("there is no access key: run `aliyun configure`, set %s and %s, or "+
			"name a file in %s; the key must be allowed to create what this makes "+
			"(docs/alibaba.md)", alibaba.EnvKeyID,
			alibaba.EnvKeySecret, alibaba.EnvFile)
	} else if err != nil {
		return fmt.Errorf("%w; they must be allowed to create what this makes (docs/alibaba.md)",
			err)
	}
	return k.plan().run(ctx, c.dryRun, out)
}
