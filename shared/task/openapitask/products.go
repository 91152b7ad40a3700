package openapitask

import (
	"fmt"
	"strings"

	"millrace/shared/alibaba/acs"
)

// Product is an OpenAPI.
type Product struct {
	Version string // of the API, a date
	Host    string // with {region} in place of the region; "": {product}.{region}.aliyuncs.com

	// Style is "roa" if each operation has its own method and path, "rpc" or "" if the operation is
	// a parameter.
	Style string
	// Operations says how operations in the ROA style are called, by their name: "GET
	// /clusters/{ClusterId}". Flows then set parameters only, as on CloudFlow. Operations without
	// an entry are called by the Path and Method that the flow sets.
	Operations map[string]string
}

// knownProducts are products that flows use, by name in lower case. Any other product can be called
// only if the operator lists it.
var knownProducts = map[string]Product{
	"alidns":          {Version: "2015-01-09", Host: "alidns.aliyuncs.com"},
	"bssopenapi":      {Version: "2017-12-14", Host: "business.aliyuncs.com"},
	"cdn":             {Version: "2018-05-10", Host: "cdn.aliyuncs.com"},
	"cms":             {Version: "2019-01-01", Host: "metrics.{region}.aliyuncs.com"},
	"dds":             {Version: "2015-12-01", Host: "mongodb.{region}.aliyuncs.com"},
	"dysmsapi":        {Version: "2017-05-25", Host: "dysmsapi.aliyuncs.com"},
	"ecs":             {Version: "2014-05-26"},
	"ess":             {Version: "2022-02-22"},
	"facebody":        {Version: "2019-12-30"},
	"fnf":             {Version: "2019-03-15", Host: "{region}.fnf.aliyuncs.com"},
	"ice":             {Version: "2020-11-09"},
	"imm":             {Version: "2020-09-30"},
	"kms":             {Version: "2016-01-20"},
	"mts":             {Version: "2014-06-18"},
	"ocr":             {Version: "2019-12-30"},
	"polardb":         {Version: "2017-08-01"},
	"r-kvstore":       {Version: "2015-01-01"},
	"ram":             {Version: "2015-05-01", Host: "ram.aliyuncs.com"},
	"rds":             {Version: "2014-08-15"},
	"resourcemanager": {Version: "2020-03-31", Host: "resourcemanager.aliyuncs.com"},
	"slb":             {Version: "2014-05-15"},
	"sts":             {Version: "2015-04-01"},
	"tag":             {Version: "2018-08-28"},
	"vod":             {Version: "2017-03-21"},
	"vpc":             {Version: "2016-04-28"},

	"aiworkspace": {Version: "2021-02-04", Style: roaStyle},
	"apig":        {Version: "2024-03-27", Style: roaStyle},
	"bailian":     {Version: "2023-12-29", Style: roaStyle},
	"cs":          {Version: "2015-12-15", Style: roaStyle},
	"eas": {
		Version: "2021-07-01", Host: "pai-eas.{region}.aliyuncs.com", Style: roaStyle,
	},
	"edas":                 {Version: "2017-08-01", Style: roaStyle},
	"elasticsearch":        {Version: "2017-06-13", Style: roaStyle},
	"emr-serverless-spark": {Version: "2023-08-08", Style: roaStyle},
	"fc": {
		Version: "2023-03-30", Host: "fcv3.{region}.aliyuncs.com", Style: roaStyle,
	},
	"maxcompute": {Version: "2022-01-04", Style: roaStyle},
	"pai-dlc":    {Version: "2020-12-03", Style: roaStyle},
	"pai-dsw":    {Version: "2022-01-01", Style: roaStyle},
	"paistudio": {
		Version: "2022-01-12", Host: "pai.{region}.aliyuncs.com", Style: roaStyle,
	},
	"rocketmq":   {Version: "2022-08-01", Style: roaStyle},
	"sae":        {Version: "2019-05-06", Style: roaStyle},
	"tablestore": {Version: "2020-12-09", Style: roaStyle},
	"tingwu":     {Version: "2022-09-30", Style: roaStyle},
	"ververica":  {Version: "2022-07-18", Style: roaStyle},
}

// templateProducts are products that carry out templates or build what others run. Templates
// compute names, so the engine's own resources cannot be protected from such calls. They can be
// called only if the operator lists them.
var templateProducts = map[string]Product{
	"devs": {Version: "2023-07-14", Style: roaStyle},
	"oos":  {Version: "2019-06-01"},
	"ros":  {Version: "2019-09-10", Host: "ros.aliyuncs.com"},
}

// roaStyle is the style of an API with a path for each operation.
const roaStyle = "roa"

// unsupportedProducts are products whose signature is not that of OpenAPIs, so no version makes
// them callable. The values say what to do instead.
var unsupportedProducts = map[string]string{
	"oss": "of OSS, GetObject is carried out; what writes there is a function's work",
	"mns": "of MNS, SendMessage is carried out; queues themselves are the product Mns-open",
	"sls": "Simple Log Service signs in a way of its own; let a function call it",
	"log": "Simple Log Service signs in a way of its own; let a function call it",
	"ots": "TableStore's data is not behind an OpenAPI; let a function read and write it",
}

// Check returns an error if a product that an operator configured under a name is invalid.
func (p Product) Check(name string) error {
	if !acs.IsProduct(name) {
		return fmt.Errorf("%q is no name of a product: lower-case letters, digits and hyphens",
			name)
	}
	if !isVersion(p.Version) {
		return fmt.Errorf("product %s: version %q is no date like 2014-05-26", name, p.Version)
	}
	if p.Style != "" && p.Style != "rpc" && p.Style != roaStyle {
		return fmt.Errorf("product %s: style %q: it is rpc or roa", name, p.Style)
	}
	for operation, how := range p.Operations {
		if !isOperation(operation) {
			return fmt.Errorf("product %s: %q is no operation of an API", name, operation)
		}
		if _, err := parseRoute(how); err != nil {
			return fmt.Errorf("product %s: operation %s: %w", name, operation, err)
		}
	}
	return p.checkHost(name)
}

func (p Product) checkHost(name string) error {
	if p.Host == "" {
		return nil
	}
	host := strings.ReplaceAll(p.Host, "{region}", "cn-hangzhou")
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("product %s: %q is no host", name, p.Host)
		}
	}
	return nil
}

// isVersion reports whether s is a date.
func isVersion(s string) bool {
	if len(s) != len("2014-05-26") || s[4] != '-' || s[7] != '-' {
		return false
	}
	return strings.Trim(s[:4]+s[5:7]+s[8:], "0123456789") == ""
}
