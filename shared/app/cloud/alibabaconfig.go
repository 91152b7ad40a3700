//go:build !millrace_aws

package cloud

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"millrace/shared/alibaba/acs"
	"millrace/shared/config"
	"millrace/shared/queue/mnsqueue"
	"millrace/shared/task/openapitask"
	"millrace/shared/task/reserved"
)

// alibabaServices is the configuration of the services of Alibaba Cloud.
type alibabaServices struct {
	endpoints                      acs.Endpoints
	instance, table, storeEndpoint string
	queue, queueEndpoint           string

	// This function, which is invoked once for each hint. If it is "", the function processes hints
	// itself.
	function, qualifier string

	// taskRole is the role whose credentials sign the calls of tasks. If it is "", such calls fail,
	// unless ownRole is set. With ownRole, which the operator must configure, the function's own
	// role signs them.
	taskRole  string
	ownRole   bool
	protected *reserved.Resources // the engine's resources, which tasks must not name

	products  map[string]openapitask.Product
	cloudFlow []string // globs of flows that run in CloudFlow
}

// alibabaConfig reads the environment (docs/alibaba.md).
func alibabaConfig(c Config, getenv func(string) string) (*alibabaServices, error) {
	a := &alibabaServices{}
	var err error
	if a.queueEndpoint, a.queue, err = mnsqueue.Address(c.QueueURL); err != nil {
		return nil, fmt.Errorf("QUEUE_URL: %w", err)
	}
	account, region := accountAndRegion(a.queueEndpoint)
	a.endpoints = acs.Endpoints{Account: firstOf(getenv("ALIBABA_CLOUD_ACCOUNT_ID"),
		getenv("FC_ACCOUNT_ID"), account),
		Region: firstOf(getenv("ALIBABA_CLOUD_REGION_ID"), getenv("FC_REGION"), region),
		VPC:    strings.EqualFold(getenv("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"), "true")}
	a.endpoints.Override = func(product string) string { return getenv(endpointVariable(product)) }
	for _, product := range []string{"fc", "mns", "eventbridge", "fnf", "oss", "sts"} {
		if v := a.endpoints.Override(product); v != "" {
			if err := acs.CheckAddress(v); err != nil {
				return nil, fmt.Errorf("%s: %w", endpointVariable(product), err)
			}
		}
	}
	if err := a.readStore(c.StoreURL); err != nil {
		return nil, err
	}
	if err := a.readDispatch(getenv); err != nil {
		return nil, err
	}
	if err := a.readTaskRole(getenv("MILLRACE_TASK_ROLE")); err != nil {
		return nil, err
	}
	a.protected = reserved.Alibaba(a.queue, getenv("FC_FUNCTION_NAME"), a.instance,
		patterns(getenv(reservedVariable)))
	a.protected.AddRole(a.taskRole)
	a.cloudFlow = patterns(getenv("MILLRACE_CLOUDFLOW"))
	return a, a.readProducts(getenv("MILLRACE_PRODUCTS"))
}

// readTaskRole reads MILLRACE_TASK_ROLE: a role's resource name, or none.
func (a *alibabaServices) readTaskRole(v string) error {
	if a.ownRole = v == "none"; v == "" || a.ownRole {
		return nil
	}
	a.taskRole = v
	if err := acs.CheckRole(v); err != nil {
		return fmt.Errorf("MILLRACE_TASK_ROLE: %w; or none, for tasks that are signed by the "+
			"function's own role", err)
	}
	return nil
}

// reservedVariable is the variable with globs of resource names that tasks must not name, in
// addition to the engine's own resources: a topic that is forwarded to the engine's queue, for
// example.
const reservedVariable = "MILLRACE_RESERVED"

// patterns splits a list at commas, spaces and line ends.
func patterns(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' })
}

// endpointVariable is the variable that overrides a product's address.
func endpointVariable(product string) string {
	return "ALIBABA_CLOUD_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(product, "-", "_"))
}

// accountAndRegion returns account and region of the host
// <account>.mns.<region>[-internal].aliyuncs.com; "" for other hosts.
func accountAndRegion(endpoint string) (account, region string) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", ""
	}
	parts := strings.Split(u.Hostname(), ".")
	if len(parts) != 5 || parts[1] != "mns" || parts[3] != "aliyuncs" {
		return "", ""
	}
	return parts[0], strings.TrimSuffix(strings.TrimSuffix(parts[2], "-internal"), "-vpc")
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// readStore reads STORE_URL, tablestore://<instance>/<table>[?endpoint=https://…].
func (a *alibabaServices) readStore(storeURL string) error {
	wrong := fmt.Errorf("STORE_URL must be tablestore://<instance>/<table>, perhaps with "+
		"?endpoint=https://… behind it, not %q", storeURL)
	u, err := url.Parse(storeURL)
	if err != nil || u.Scheme != "tablestore" || u.User != nil || u.Fragment != "" {
		return wrong
	}
	query, err := url.ParseQuery(u.RawQuery)
	a.instance, a.table, a.storeEndpoint = u.Host, strings.Trim(u.Path, "/"),
		strings.TrimRight(query.Get("endpoint"), "/")
	if err != nil || len(query) > 1 || len(query) == 1 && a.storeEndpoint == "" ||
		!isMadeOf(a.instance, "-") || !isMadeOf(a.table, "_") {
		return wrong
	}
	if a.storeEndpoint != "" {
		if err := acs.CheckAddress(a.storeEndpoint); err != nil {
			return fmt.Errorf("STORE_URL: endpoint: %w", err)
		}
		return nil
	}
	if !acs.IsRegion(a.endpoints.Region) {
		return errors.New("the region is not known: set ALIBABA_CLOUD_REGION_ID, or give " +
			"STORE_URL its endpoint")
	}
	a.storeEndpoint = "https://" + a.instance + "." + a.endpoints.Region + ".ots.aliyuncs.com"
	if a.endpoints.VPC {
		a.storeEndpoint = "https://" + a.instance + "." + a.endpoints.Region +
			".vpc.tablestore.aliyuncs.com"
	}
	return nil
}

// isMadeOf reports whether s is not empty and consists of letters, digits and the characters of
// more.
func isMadeOf(s, more string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return s != ""
}

// readDispatch reads MILLRACE_DISPATCH: async (the default) starts an invocation for each hint,
// direct processes a hint in the invocation that delivers it.
func (a *alibabaServices) readDispatch(getenv func(string) string) error {
	switch v := getenv("MILLRACE_DISPATCH"); v {
	case "", "async":
		a.function, a.qualifier = getenv("FC_FUNCTION_NAME"), getenv("FC_QUALIFIER")
	case "direct":
	default:
		return fmt.Errorf("MILLRACE_DISPATCH must be async or direct, not %q", v)
	}
	return nil
}

// readProducts reads MILLRACE_PRODUCTS, further OpenAPIs that flows may call: <name>: {version,
// host}.
func (a *alibabaServices) readProducts(text string) error {
	text, err := textOrFile(text)
	if err != nil {
		return fmt.Errorf("MILLRACE_PRODUCTS: %w", err)
	}
	if err := config.Decode("MILLRACE_PRODUCTS", text, &a.products,
		"it must be <name>: {version: <date>, host: <host with {region}>, style: rpc or roa, "+
			"operations: {<name>: GET /path/{Id}}}"); err != nil {
		return err
	}
	for name, p := range a.products {
		if err := p.Check(name); err != nil {
			return fmt.Errorf("MILLRACE_PRODUCTS: %w", err)
		}
	}
	return nil
}
