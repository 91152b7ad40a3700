package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"millrace/shared/alibaba/acs"
)

// config says which resources are created, and where. Names are derived from the same variables as
// in s.yaml.
type config struct {
	region, account string
	prefix          string // of roles, policies and queues
	instance, table string
	project         string // of logs
	// The functions that flows may invoke: ARNs or names. A "*" at the end makes a name a prefix.
	functions     []string
	retentionDays int    // of logs
	contacts      string // the contact group that gets alarms
	encrypted     bool   // encrypt the table at rest
	vpc           bool   // reach the services from inside a VPC
	dryRun        bool
	only          []string          // parts to create; empty: all
	endpoints     map[string]string // addresses by service, if not the service's own
}

// logstore is the logstore that the functions of s.yaml write to.
const logstore = "functions"

// defaultContacts is the contact group that CloudMonitor creates for each account, with the
// account's own contact.
const defaultContacts = "云账号报警联系人"

// parts lists the parts of the plan in their order.
var parts = []string{"instance", "tables", "queues", "logs", "roles", "events", "alarms"}

// services lists the services that the command calls.
var services = []string{"tablestore", "ots", "mns", "log", "ram", "eventbridge", "cms"}

// parse reads the arguments; the environment has the defaults.
func parse(args []string, getenv func(string) string) (*config, error) {
	c := &config{endpoints: map[string]string{}}
	envOr := func(name, value string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return value
	}
	f := flag.NewFlagSet("alibaba", flag.ContinueOnError)
	f.StringVar(&c.region, "region", envOr("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
		"region (ALIBABA_CLOUD_REGION_ID)")
	f.StringVar(&c.account, "account", getenv("ALIBABA_CLOUD_ACCOUNT_ID"),
		"account ID, digits (ALIBABA_CLOUD_ACCOUNT_ID)")
	f.StringVar(&c.prefix, "prefix", envOr("MILLRACE_PREFIX", "millrace"),
		"start of the names of functions, roles and queues (MILLRACE_PREFIX)")
	f.StringVar(&c.instance, "instance", envOr("MILLRACE_INSTANCE", "millrace"),
		"TableStore instance (MILLRACE_INSTANCE)")
	f.StringVar(&c.table, "table", envOr("MILLRACE_TABLE", "millrace"),
		"TableStore table (MILLRACE_TABLE)")
	f.IntVar(&c.retentionDays, "log-days", 30,
		"days for which logs are kept, 1 to 3650; 3650 is for ever")
	f.StringVar(&c.contacts, "alarm-contacts", envOr("MILLRACE_ALARM_CONTACTS", defaultContacts),
		"group of contacts in CloudMonitor that alarms tell (MILLRACE_ALARM_CONTACTS)")
	f.BoolVar(&c.encrypted, "encrypted", getenv("MILLRACE_TABLE_ENCRYPTED") == "true",
		"encrypt the table at rest by a key that KMS keeps for TableStore; only when it is made "+
			"(MILLRACE_TABLE_ENCRYPTED=true)")
	f.BoolVar(&c.vpc, "vpc", false, "reach the services from inside a VPC")
	f.BoolVar(&c.dryRun, "dry-run", false, "only look, and tell what would be done")
	functions := f.String("functions", getenv("MILLRACE_TASK_FUNCTIONS"),
		"functions that flows may invoke, names or ARNs, with commas between "+
			"(MILLRACE_TASK_FUNCTIONS)")
	only := f.String("only", "", "parts to do, with commas between: "+strings.Join(parts, ", "))
	f.Func("endpoint", "SERVICE=URL of a service that is elsewhere ("+strings.Join(services, ", ")+
		"), once for each", func(v string) error {
		name, address, _ := strings.Cut(v, "=")
		if !slices.Contains(services, name) {
			return fmt.Errorf("%q is no service", name)
		}
		c.endpoints[name] = strings.TrimRight(address, "/")
		return acs.CheckAddress(address)
	})
	f.SetOutput(io.Discard)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		f.SetOutput(os.Stderr)
		f.Usage()
		return nil, err
	} else if err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	c.functions, c.only = list(*functions), list(*only)
	c.project = c.prefix + "-" + c.account + "-" + c.region
	return c, c.check()
}

func list(text string) (all []string) {
	for s := range strings.SplitSeq(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

var (
	validPrefix   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)
	validInstance = regexp.MustCompile(`^[a-z][a-z0-9-]{1,14}[a-z0-9]$`)
	validTable    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,94}$`)
	validFunction = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,127}\*?$`)
	functionARN   = regexp.MustCompile(
		`^acs:fc:[a-z0-9-]+:[0-9]+:functions/[A-Za-z_][A-Za-z0-9_-]{0,127}(\*|/[A-Za-z0-9_.*-]+)?$`)
	serviceARN = regexp.MustCompile(
		`^acs:fc:[a-z0-9-]+:[0-9]+:services/[A-Za-z_][A-Za-z0-9_-]{0,127}(\.[A-Za-z0-9_*-]+)?` +
			`/functions/[A-Za-z_][A-Za-z0-9_-]{0,127}\*?$`)
)

// check returns all errors of the configuration at once.
func (c *config) check() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(!acs.IsRegion(c.region), "region %q is no name of a region, like cn-hangzhou", c.region)
	wrong(!acs.IsAccount(c.account), "account %q: set ALIBABA_CLOUD_ACCOUNT_ID or -account to "+
		"the account's ID, which has digits only", c.account)
	wrong(!validPrefix.MatchString(c.prefix),
		"prefix %q must have a to z, 0 to 9 and -, start with a letter, and have 30 characters "+
			"at most", c.prefix)
	wrong(!validInstance.MatchString(c.instance),
		"instance %q must have 3 to 16 characters of a to z, 0 to 9 and inner -, and start with "+
			"a letter", c.instance)
	for _, word := range []string{"ali", "ay", "ots", "taobao", "admin"} {
		wrong(strings.Contains(c.instance, word),
			"instance %q: TableStore allows no %q in the names of instances", c.instance, word)
	}
	wrong(!validTable.MatchString(c.table), "table %q must have letters, digits and _, and 95 "+
		"characters at most", c.table)
	wrong(c.retentionDays < 1 || c.retentionDays > 3650, "-log-days must be 1 to 3650, not %d",
		c.retentionDays)
	wrong(strings.TrimSpace(c.contacts) == "", "-alarm-contacts must name a group of contacts")
	for _, name := range c.functions {
		wrong(!validFunction.MatchString(name) && !functionARN.MatchString(name) &&
			!serviceARN.MatchString(name),
			"function %q is neither the name of a function nor "+
				"acs:fc:<region>:<account>:functions/<name> or "+
				"…:services/<service>/functions/<name>", name)
	}
	for _, part := range c.only {
		wrong(!slices.Contains(parts, part), "-only %s: the parts are %s", part,
			strings.Join(parts, ", "))
	}
	return errors.Join(errs...)
}

// has reports whether the configuration includes a part.
func (c *config) has(part string) bool { return len(c.only) == 0 || slices.Contains(c.only, part) }

// endpoint returns the address of a service: own, unless another one is configured.
func (c *config) endpoint(service, own string) string {
	if e := c.endpoints[service]; e != "" {
		return e
	}
	return own
}
