package cost

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Write prints bills as a table, with the prices and with what is counted.
func Write(w io.Writer, bills []Bill) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "per execution\twrite units\tof indexes\tread units\tSQS\tLambda\tGB-ms\tstates\t|  USD per million:\tDynamoDB\tSQS\tLambda\tHTTP API\tall\tStep Functions\tCloudFlow\t")
	for _, b := range bills {
		million := func(usd float64) string { return fmt.Sprintf("%.2f", usd*1e6) }
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.1f\t%d\t%d\t%.0f\t%d\t|\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", b.Flow, b.Writes, b.Index, b.Reads, b.Queue, b.Invocations,
			b.GBSeconds*1000, b.States, million(b.Table()), million(b.QueueUSD()), million(b.Lambda()), million(b.API()), million(b.Total()),
			million(b.StepFunctions()), million(b.CloudFlow()))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprint(w, `
Write and read units are those of table and indexes, as the store reports them. SQS counts each send, and for each
batch that Lambda's poller reads one receive and one delete; its empty receives belong to an idle stack. Lambda counts API
and step runner, warm: their memory (512 MB each) times the time that they took on this machine, against emulators, with
tasks called synchronously that take 50 to 150 ms each. Starting the execution is in, as are a callback's report and the
sweeper's part in a long wait; looking at it is not. States executed are what Step Functions and CloudFlow bill. What
the tasks themselves cost is left out on all three.

`)
	for _, p := range Prices {
		fmt.Fprintf(w, "  %-14s  %7.4f USD per million of %-30s %s\n", p.Name, p.USD*1e6, p.Unit+":", p.Source)
	}
	return nil
}
