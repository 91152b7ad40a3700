package acs

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Endpoints returns the addresses of services. The name of a region, an account or a product may
// come from a flow. Endpoints validates it strictly before it becomes part of a host name, so that
// no request is signed for a host that is not Alibaba Cloud's.
type Endpoints struct {
	Account string // the engine's own account, for resource names without one; "" if unknown
	Region  string // the engine's own region, likewise
	VPC     bool   // use the endpoints inside a VPC

	// Override returns the address to use for a product (in lower case) instead of its own, for a
	// private network or a test; "" means its own. nil means that no address is overridden. The
	// operator sets it, and it is not validated.
	Override func(product string) string
}

// Errors of names that become part of a host.
var (
	errRegion = fmt.Errorf(
		"it is no region; set ALIBABA_CLOUD_REGION_ID, or name one like cn-hangzhou",
	)
	errAccount = fmt.Errorf(
		"it is no account ID; set ALIBABA_CLOUD_ACCOUNT_ID, or name one of digits",
	)
)

// regionName matches the names of regions: cn-hangzhou, ap-southeast-1, cn-hangzhou-finance. It
// must not match names that begin with a product, such as oss-cn-hangzhou:
// <bucket>.oss-cn-hangzhou.aliyuncs.com would be a host that a customer chooses.
var regionName = regexp.MustCompile(`^(cn|ap|eu|us|me|na|sa|af|rus)-[a-z]+(-[0-9a-z]+)*$`)

// IsRegion reports whether s can be the name of a region.
func IsRegion(s string) bool { return len(s) <= 32 && regionName.MatchString(s) }

// IsProduct reports whether s can be part of a product's host.
func IsProduct(s string) bool { return isLabel(s, 2, 32) && s[0] >= 'a' && s[0] <= 'z' }

// IsAccount reports whether s can be the ID of an account.
func IsAccount(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}

// isLabel reports whether s is a label of a host name with minLen to maxLen characters: lower-case
// letters, digits and inner hyphens.
func isLabel(s string, minLen, maxLen int) bool {
	if len(s) < minLen || len(s) > maxLen || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Functions returns the endpoint of an account's functions in a region. Empty arguments mean the
// engine's own.
func (p *Endpoints) Functions(region, account string) (string, error) {
	return p.accountEndpoint("fc", region, account, "-internal.fc", ".fc")
}

// Messages returns the endpoint of an account's queues and topics.
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

// Events returns the endpoint of the event buses of the engine's own account.
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

// accountEndpoint returns an address like https://{account}.{region}{middle}.aliyuncs.com, with
// inside as the middle in a VPC, else outside.
func (p *Endpoints) accountEndpoint(
	product, region, account, inside, outside string,
) (string, error) {
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

// Product returns the endpoint of a product's OpenAPI in a region: host with {region} replaced, or
// by default {product}.{region}.aliyuncs.com, {product}-vpc.{region}.aliyuncs.com inside a VPC.
// host must come from the operator or the program, never from a flow.
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

// Bucket returns the address of a bucket's objects in a region, and the path prefix of their keys:
// "" at the bucket's own host, /{bucket} at an overridden address.
func (p *Endpoints) Bucket(region, bucket string) (address, prefix string, err error) {
	if region == "" {
		region = p.Region
	}
	switch {
	case !IsRegion(region):
		return "", "", fmt.Errorf("region %q: %w", cut(region), errRegion)
	case !isLabel(bucket, 3, 63):
		return "", "", fmt.Errorf(
			"bucket %q: it is no name of a bucket, 3 to 63 lower-case letters, digits and inner "+
				"hyphens", cut(bucket),
		)
	}
	if address := p.override("oss"); address != "" {
		return address, "/" + bucket, nil
	}
	if p.VPC {
		region += "-internal"
	}
	return "https://" + bucket + ".oss-" + region + ".aliyuncs.com", "", nil
}

// withDefaults fills in and validates region and account.
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

// CheckAddress returns an error unless an address that an operator configured is http or https with
// a host and nothing after it.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
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
