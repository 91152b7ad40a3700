package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/rpc"
	"millrace/shared/rpc/client"
)

// defaultEndpoint is the address that `millrace serve` listens on by default.
const defaultEndpoint = "http://127.0.0.1:8642"

// clientFlags are the flags for the endpoint and the credentials.
type clientFlags struct {
	endpoint, keyID, secret, token, bearer, region, signature string
}

// clientFlagNames are the flags of every command that calls a server.
var clientFlagNames = map[string]bool{
	"endpoint": true, "access-key-id": true, "access-key-secret": true, "security-token": true,
	"bearer-token": true, "region": true, "signature": true, "output": true,
}

// clientFlags adds the client's flags. All commands share their variables, so that they may precede
// the command's name. The environment is read later, by connect, so that no secret is shown as the
// default of a flag.
func (c *invocation) clientFlags(f *pflag.FlagSet) {
	o := &c.client
	f.StringVarP(&o.endpoint, "endpoint", "e", "",
		"`URL` of the API; $MILLRACE_ENDPOINT, else "+defaultEndpoint)
	f.StringVar(&o.keyID, "access-key-id", "",
		"`ID` of the access key; $ALIBABA_CLOUD_ACCESS_KEY_ID")
	f.StringVar(&o.secret, "access-key-secret", "",
		"its `SECRET`; $ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	f.StringVar(&o.token, "security-token", "",
		"`TOKEN` of temporary credentials; $ALIBABA_CLOUD_SECURITY_TOKEN")
	f.StringVar(&o.bearer, "bearer-token", "",
		"`TOKEN` instead of a key; $ALIBABA_CLOUD_BEARER_TOKEN")
	f.StringVar(&o.region, "region", "",
		"`REGION` to name in requests; $ALIBABA_CLOUD_REGION_ID")
	f.StringVar(&o.signature, "signature", "",
		"`KIND` of signature: v1, v3 or none; v1 when there is a key or token")
	c.outputFlag(f)
}

func (c *invocation) outputFlag(f *pflag.FlagSet) {
	f.StringVarP(&c.output, "output", "o", "table",
		"`FORMAT` of the result: table, json as the API has it, or data: JSON without JSON in "+
			"strings")
}

// connect returns the client that the flags and the environment describe. A key from flags is not
// combined with a token from the environment.
func (c *invocation) connect() (*client.Client, error) {
	o := c.client
	if o.signature != "" && !slices.Contains(flagValues["signature"], o.signature) {
		return nil, c.wrong(oneOf("--signature", o.signature, flagValues["signature"]))
	}
	if o.keyID == "" && o.secret == "" && o.bearer == "" {
		o.keyID = c.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID")
		o.secret = c.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
		o.token = cmp.Or(o.token, c.Getenv("ALIBABA_CLOUD_SECURITY_TOKEN"))
		if o.keyID == "" {
			o.bearer = c.Getenv("ALIBABA_CLOUD_BEARER_TOKEN")
		}
	}
	if o.keyID != "" && o.secret == "" {
		o.secret = c.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	}
	endpoint := endpointURL(cmp.Or(o.endpoint, c.Getenv("MILLRACE_ENDPOINT"), defaultEndpoint))
	api, err := client.New(client.Options{
		Endpoint:    endpoint,
		AccessKeyID: o.keyID, Secret: o.secret, SecurityToken: o.token, Bearer: o.bearer,
		Region: cmp.Or(o.region, c.Getenv("ALIBABA_CLOUD_REGION_ID")), Signature: o.signature,
		Now: c.Now, Refused: func(ctx context.Context) bool { return c.awaitStartup(ctx, endpoint) },
	})
	if err != nil {
		return nil, usageError{err}
	}
	return api, nil
}

// endpointURL completes a host without a scheme: http for this machine, because `millrace serve`
// listens without TLS; https for any other.
func endpointURL(s string) string {
	host, _, _ := strings.Cut(s, "/")
	switch {
	case strings.Contains(s, "://"):
		return s
	case rpc.IsLoopback(host):
		return "http://" + s
	}
	return "https://" + s
}
