package acs

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Endpoints says where services are. What names a region, an account or a product may come from a flow; it is checked
// strictly before it becomes a part of a host's name, so that nothing is signed for a host that is not Alibaba Cloud's.
type Endpoints struct {
	Account string // the engine's own, for resource names that have none; "" when it is not known
	Region  string // the same
	VPC     bool   // reach services inside a VPC

	// Override gives the address of a product, in lower case, that is to be used instead of its own: for a private network
	// or a test; "" for its own. nil: never. It is the operator's, and is not checked against anything.
	Override func(product string) string
}

// Errors of names in a host.
var (
	errRegion  = fmt.Errorf("it is no region; set ALIBABA_CLOUD_REGION_ID, or name one like cn-hangzhou")
	errAccount = fmt.Errorf("it is no account ID; set ALIBABA_CLOUD_ACCOUNT_ID, or name one of digits")
)

// regionName is how regions are named: cn-hangzhou, ap-southeast-1, cn-hangzhou-finance. What
// begins with a product, as oss-cn-hangzhou does, is no region:
// <bucket>.oss-cn-hangzhou.aliyuncs.com would be a host of a customer's choice.
var regionName = regexp.MustCompile(`^(cn|ap|eu|us|me|na|sa|af|rus)-[a-z]+(-[0-9a-z]+)*$`)

// IsRegion reports whether s can be the name of a region.
func IsRegion(s string) bool { return len(s) <= 32 && regionName.MatchString(s) }

// IsProduct tells whether s can be a part of a product's host.
func IsProduct(s string) bool { return isLabel(s, 2, 32) && s[0] >= 'a' && s[0] <= 'z' }

// IsAccount tells whether s can be the ID of an account.
func IsAccount(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}

// isLabel tells whether s is a label of a host's name, of lower-case letters, digits and inner hyphens.
func isLabel(s string, least, most int) bool {
	if len(s) < least || len(s) > most || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Functions is where the functions of an account are in a region; empty ones are the engine's own.
func (p *Endpoints) Functions(region, account string) (string, error) {
	return p.accountEndpoint("fc", region, account, "-internal.fc", ".fc")
}

// Messages is where the queues and topics of an account are.
func (p *Endpoints) Messages(region, account string) (string, error) {
	region, account, err := p.withDefaults(region, account)
	if err != nil {
		return "", err
	}
	if address := p.override("mns"); address != "" {
		return address, nil
	}
	if p.VPC {
		region += "-internal"
	}
	return "https://" + account + ".mns." + region + ".aliyuncs.com", nil
}

// Events is where the event buses of the engine's own account are.
func (p *Endpoints) Events() (string, error) {
	region, account, err := p.withDefaults("", "")
	if err != nil {
		return "", err
	}
	if address := p.override("eventbridge"); address != "" {
		return address, nil
	}
	if p.VPC {
		region += "-vpc"
	}
	return "https://" + account + ".eventbridge." + region + ".aliyuncs.com", nil
}

// accountEndpoint is an address like {account}.{region}{middle}.aliyuncs.com.
func (p *Endpoints) accountEndpoint(product, region, account, inside, outside string) (string, error) {
	region, account, err := p.withDefaults(region, account)
	if err != nil {
		return "", err
	}
	if address := p.override(product); address != "" {
		return address, nil
	}
	middle := outside
	if p.VPC {
		middle = inside
	}
	return "https://" + account + "." + region + middle + ".aliyuncs.com", nil
}

// Product is where a product's OpenAPI is in a region: host with {region} filled in, or by default
// {product}.{region}.aliyuncs.com, {product}-vpc.{region}.aliyuncs.com inside a VPC. host is the operator's or the
// program's, never a flow's.
func (p *Endpoints) Product(product, region, host string) (string, error) {
	if region == "" {
		region = p.Region
	}
	switch {
	case !IsProduct(product):
		return "", fmt.Errorf("product %q: it is no name of a product", cut(product))
	case !IsRegion(region):
		return "", fmt.Errorf("region %q: %w", cut(region), errRegion)
	}
	if address := p.override(product); address != "" {
		return address, nil
	}
	if host != "" {
		return "https://" + strings.ReplaceAll(host, "{region}", region), nil
	}
	if p.VPC {
		product += "-vpc"
	}
	return "https://" + product + "." + region + ".aliyuncs.com", nil
}

// Bucket is where a bucket's objects are in a region, and what stands before their keys in the path there: nothing at the
// bucket's own host, /{bucket} at an address of the operator's.
func (p *Endpoints) Bucket(region, bucket string) (address, prefix string, err error) {
	if region == "" {
		region = p.Region
	}
	switch {
	case !IsRegion(region):
		return "", "", fmt.Errorf("region %q: %w", cut(region), errRegion)
	case !isLabel(bucket, 3, 63):
		return "", "", fmt.Errorf("bucket %q: it is no name of a bucket, 3 to 63 lower-case letters, digits and inner hyphens", cut(bucket))
	}
	if address := p.override("oss"); address != "" {
		return address, "/" + bucket, nil
	}
	if p.VPC {
		region += "-internal"
	}
	return "https://" + bucket + ".oss-" + region + ".aliyuncs.com", "", nil
}

// withDefaults fills in and checks region and account.
func (p *Endpoints) withDefaults(region, account string) (string, string, error) {
	if region == "" {
		region = p.Region
	}
	if account == "" {
		account = p.Account
	}
	if !IsRegion(region) {
		return "", "", fmt.Errorf("region %q: %w", cut(region), errRegion)
	}
	if !IsAccount(account) {
		return "", "", fmt.Errorf("account %q: %w", cut(account), errAccount)
	}
	return region, account, nil
}

func (p *Endpoints) override(product string) string {
	if p.Override == nil {
		return ""
	}
	return strings.TrimRight(p.Override(product), "/")
}

// CheckAddress tells what is wrong with an address that an operator wrote down: it must be http or https with a host, and
// nothing behind that.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("%q is no address of a service, https://<host>", cut(address))
	}
	return nil
}

func cut(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
