package server

import (
	"crypto/subtle"
	"time"

	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/rpc"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/sign"
)

// The largest difference between the time of a request and the server's clock, in both directions
// (docs/api.md#signatures).
const (
	skewV1 = 31 * time.Minute
	skewV3 = 15 * time.Minute
)

// authenticate finds out who calls and sets c.caller.
func (c *request) authenticate() error {
	if c.Credentials == nil {
		c.openIdentity()
		return nil
	}
	if c.anonymous = c.isAnonymous(); c.anonymous {
		return nil
	}
	authorization := headerOf(c.r, "Authorization")
	switch {
	case authorization != "" && first(c.params.list, "Signature") != "":
		return signatureNotMatch() // ambiguous: two signatures
	case c.claimsV3:
		return c.authenticateV3()
	case authorization != "":
		return signatureNotMatch()
	case c.header:
		if token := headerOf(c.r, rpc.HeaderBearer); token != "" {
			return c.authenticateBearer(token)
		}
		return missingParam("AccessKeyId")
	}
	// an empty id is never looked up: a bearer signs with an empty key
	if first(c.params.list, "AccessKeyId") == "" {
		if token := first(c.params.list, "BearerToken"); token != "" {
			return c.authenticateBearer(token)
		}
		return missingParam("AccessKeyId")
	}
	return c.authenticateV1()
}

// anonymousMax is the longest request that nobody has signed, in bytes of query and body.
const anonymousMax = 1 << 10

// isAnonymous reports whether the request may be served without credentials, and has none. All
// such requests share one account's rate. Nothing more is decoded of them, and they take no place
// among the requests of the accounts: such an operation reads nothing and waits for nothing.
func (c *request) isAnonymous() bool {
	if !c.operation.anonymous || len(c.r.URL.RawQuery)+len(c.body) > anonymousMax ||
		headerOf(c.r, "Authorization") != "" || headerOf(c.r, rpc.HeaderBearer) != "" {
		return false
	}
	for i := range c.params.list {
		switch c.params.list[i].Name {
		case "AccessKeyId", "Signature", "BearerToken", "SecurityToken":
			return false
		}
	}
	return true
}

// openIdentity makes every caller the account of the open server. Nonce and timestamp of a
// signature are passed on unchecked: if a proxy repeats a StartExecution without a name, they lead
// to the execution that already exists.
func (c *request) openIdentity() {
	c.caller.Account = c.Account
	switch {
	case headerOf(c.r, "Authorization") != "":
		c.caller.Nonce = headerOf(c.r, rpc.HeaderNonce)
		c.caller.Timestamp = headerOf(c.r, rpc.HeaderDate)
	case first(c.params.list, "Signature") != "":
		c.caller.Nonce = c.params.str("SignatureNonce")
		c.caller.Timestamp = c.params.str("Timestamp")
	}
}

var requiredV1 = [...]string{"Signature", "SignatureNonce", "Timestamp"}

// methodV1 is the only V1 signature method. A client may leave it out, but one that names another
// method must not believe that it was used.
var methodV1 = [...]sign.Param{
	{Name: "SignatureMethod", Value: "HMAC-SHA1"}, {Name: "SignatureVersion", Value: "1.0"},
}

func (c *request) authenticateV1() error {
	for _, name := range requiredV1 {
		if c.params.str(name) == "" {
			return missingParam(name)
		}
	}
	for _, p := range methodV1 {
		if v := c.params.str(p.Name); v != "" && v != p.Value {
			return invalid("The parameter '%s' must be %s.", p.Name, p.Value)
		}
	}
	key, err := c.key(c.params.str("AccessKeyId"), c.params.str("SecurityToken"))
	if err != nil {
		return err
	}
	sent, err := c.checkSkew(c.params.str("Timestamp"), "Timestamp", skewV1)
	if err != nil {
		return err
	}
	if !key.Sign.VerifyV1(c.r.Method, c.params.list, c.params.str("Signature")) {
		return signatureNotMatch()
	}
	c.setIdentity(key, c.params.str("SignatureNonce"), c.params.str("Timestamp"))
	return c.checkNonce(sent.Add(skewV1))
}

// requiredV3 are the headers that authenticateV3 requires, in the order of its checks. The request
// has Authorization, x-acs-action and x-acs-version, because read and route have checked them.
var requiredV3 = [...]struct{ header, name string }{
	{rpc.HeaderContentHash, "x-acs-content-sha256"}, {rpc.HeaderDate, "x-acs-date"},
	{rpc.HeaderNonce, "x-acs-signature-nonce"},
}

// coveredV3 are the headers that every V3 signature must cover (docs/api.md#signatures).
var coveredV3 = [...]string{
	"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce",
	"x-acs-version",
}

// readSigned reads the headers that a V3 signature covers, before anything else uses them.
func (c *request) readSigned(authorization string) {
	var err error
	if c.authorization, err = sign.ParseAuthorization(authorization); err != nil ||
		len(c.r.Header["Authorization"]) > 1 {
		c.unsigned = signatureNotMatch()
		return
	}
	names := c.authorization.SignedHeaders
	if err := c.signed.Headers.Read(names, c.r.Host, c.r.Header); err != nil {
		c.unsigned = signatureNotMatch()
		c.unsigned.Message += " Refused: " + rpc.Cut(err.Error()) + "."
	}
}

// checkCovered rejects a V3 request whose signature leaves out something that the server uses.
func (c *request) checkCovered() error {
	if c.unsigned != nil {
		return c.unsigned
	}
	for _, name := range coveredV3 {
		if _, ok := c.signed.Headers.Get(name); !ok {
			return signatureNotMatch()
		}
	}
	if _, ok := c.signed.Headers.Get("x-acs-security-token"); !ok &&
		headerOf(c.r, rpc.HeaderToken) != "" {
		return signatureNotMatch()
	}
	// The content type decides whether the body is read as a form or as JSON.
	if _, ok := c.signed.Headers.Get("content-type"); !ok && len(c.body) > 0 {
		f := signatureNotMatch()
		f.Message += " It must cover content-type, because there is a body."
		return f
	}
	return nil
}

// authenticateV3 verifies a V3 signature. Of the body it uses only the hash.
func (c *request) authenticateV3() error {
	for _, h := range requiredV3 {
		if headerOf(c.r, h.header) == "" {
			return missingHeader(h.name)
		}
	}
	if err := c.checkCovered(); err != nil {
		return err
	}
	token, _ := c.signed.Headers.Get("x-acs-security-token")
	key, err := c.key(c.authorization.Credential, token)
	if err != nil {
		return err
	}
	date, _ := c.signed.Headers.Get("x-acs-date")
	sent, err := c.checkSkew(date, "x-acs-date", skewV3)
	if err != nil {
		return err
	}
	if !c.verifyV3(key) {
		return signatureNotMatch()
	}
	nonce, _ := c.signed.Headers.Get("x-acs-signature-nonce")
	c.setIdentity(key, nonce, date)
	return c.checkNonce(sent.Add(skewV3))
}

// verifyV3 checks the signature for the Host header as received, then for the server's other names.
func (c *request) verifyV3(key *auth.Key) bool {
	r := &c.signed
	r.Method, r.Query, r.BodyHash = c.r.Method, c.params.list[:c.query], sign.BodyHash(c.body)
	hash, _ := r.Headers.Get("x-acs-content-sha256")
	if subtle.ConstantTimeCompare([]byte(r.BodyHash), []byte(hash)) != 1 {
		return false
	}
	if key.Sign.VerifyV3(r, c.authorization.Signature) {
		return true
	}
	for _, host := range c.Hosts {
		r.Headers.SetHost(host)
		if key.Sign.VerifyV3(r, c.authorization.Signature) {
			c.host = host
			return true
		}
	}
	return false
}

// key returns the access key with this id if it is valid now and has this security token.
func (c *request) key(id, securityToken string) (*auth.Key, error) {
	if key := c.Credentials.AccessKey(id, securityToken, c.Now()); key != nil {
		return key, nil
	}
	return nil, invalidKey(id)
}

func (c *request) authenticateBearer(token string) error {
	key := c.Credentials.Bearer(token, c.Now())
	if key == nil {
		return accessDenied()
	}
	c.setIdentity(key, "", "")
	return nil
}

func (c *request) setIdentity(key *auth.Key, nonce, timestamp string) {
	c.caller.Account, c.caller.AccessKey = key.Account, key.ID
	c.caller.Nonce, c.caller.Timestamp = nonce, timestamp
	c.caller.Identity = key.Identity
	c.caller.May = access.MayOf(key.Policies, key.Account, c.Region)
}

// checkSkew parses the time of a request and rejects one that differs too much from now.
func (c *request) checkSkew(text, name string, skew time.Duration) (time.Time, error) {
	sent, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return sent, invalid("The parameter '%s' must be a UTC time like 2006-01-02T15:04:05Z.",
			name)
	}
	now := c.Now()
	if d := now.Sub(sent); d > skew || d < -skew {
		return sent, fault.New(fault.RequestTimeTooSkewed,
			"The difference between the request time %s and the current time %s is too large.",
			rpc.Cut(text), now.UTC().Format(rpc.TimeFormat))
	}
	return sent, nil
}

// checkNonce rejects a used nonce, if this operation checks nonces. After until, checkSkew rejects
// the request by its time.
func (c *request) checkNonce(until time.Time) error {
	if !c.CheckNonces && !c.operation.replayProtected {
		return nil
	}
	unused, err := c.Nonces.Use(c.r.Context(), c.caller.AccessKey+"\x00"+c.caller.Nonce, until)
	if err != nil {
		return err
	}
	if !unused {
		return fault.New(fault.SignatureNonceUsed, "Specified signature nonce was used already.")
	}
	return nil
}

// authorize checks that the policies of the caller's key allow the operation on its flow.
func (c *request) authorize() error {
	c.caller.Region = c.Region
	name := ""
	if c.operation.flow != "" {
		name = c.params.str(c.operation.flow)
	}
	if err := c.caller.Authorize(c.operation.action, name); err != nil {
		return err
	}
	// When the execution ends, the engine reports the task result in the caller's name.
	if c.operation.name == "StartExecution" && c.params.str("CallbackFnFTaskToken") != "" {
		return c.caller.AuthorizeReports()
	}
	return nil
}
