package openapitask

import (
	"fmt"
	"strings"

	"millrace/shared/task/acs"
)

// Product is an OpenAPI of the RPC style.
type Product struct {
	Version string // of the API, a date
	Host    string // with {region} where the region stands; "": {product}.{region}.aliyuncs.com
}

// known are products that flows use, by their name in lower case. Any other is called when its version is given.
var known = map[string]Product{
	"alidns":          {"2015-01-09", "alidns.aliyuncs.com"},
	"bssopenapi":      {"2017-12-14", "business.aliyuncs.com"},
	"cdn":             {"2018-05-10", "cdn.aliyuncs.com"},
	"cms":             {"2019-01-01", "metrics.{region}.aliyuncs.com"},
	"dds":             {"2015-12-01", "mongodb.{region}.aliyuncs.com"},
	"dysmsapi":        {"2017-05-25", "dysmsapi.aliyuncs.com"},
	"ecs":             {"2014-05-26", ""},
	"ess":             {"2022-02-22", ""},
	"facebody":        {"2019-12-30", ""},
	"fnf":             {"2019-03-15", "{region}.fnf.aliyuncs.com"},
	"ice":             {"2020-11-09", ""},
	"imm":             {"2020-09-30", ""},
	"kms":             {"2016-01-20", ""},
	"mts":             {"2014-06-18", ""},
	"ocr":             {"2019-12-30", ""},
	"oos":             {"2019-06-01", ""},
	"polardb":         {"2017-08-01", ""},
	"r-kvstore":       {"2015-01-01", ""},
	"ram":             {"2015-05-01", "ram.aliyuncs.com"},
	"rds":             {"2014-08-15", ""},
	"resourcemanager": {"2020-03-31", "resourcemanager.aliyuncs.com"},
	"slb":             {"2014-05-15", ""},
	"sts":             {"2015-04-01", ""},
	"tag":             {"2018-08-28", ""},
	"vod":             {"2017-03-21", ""},
	"vpc":             {"2016-04-28", ""},
}

// Check tells what is wrong with a product that an operator wrote down under a name.
func (p Product) Check(name string) error {
	if !acs.IsProduct(name) {
		return fmt.Errorf("%q is no name of a product: lower-case letters, digits and hyphens", name)
	}
	if !isVersion(p.Version) {
		return fmt.Errorf("product %s: version %q is no date like 2014-05-26", name, p.Version)
	}
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

// isVersion tells whether s is a date.
func isVersion(s string) bool {
	if len(s) != len("2014-05-26") || s[4] != '-' || s[7] != '-' {
		return false
	}
	return strings.Trim(s[:4]+s[5:7]+s[8:], "0123456789") == ""
}
