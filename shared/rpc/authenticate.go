package rpc

import (
	"crypto/subtle"
	"time"

	"millrace/shared/access"
	"millrace/shared/fault"
	"millrace/shared/rpc/sign"
)

// How far a request's time may be from ours (api.md 2.7), in both directions.
const (
	skewV1 = 31 * time.Minute
	skewV3 = 15 * time.Minute
)

const timeFormat = "2006-01-02T15:04:05Z"

// authenticate finds out who calls, and leaves it in c.who.
func (c *request) authenticate() error {
	if c.Credentials == nil {
		c.openIdentity()
		return nil
	}
	authorization := headerOf(c.r, "Authorization")
	switch {
	case authorization != "" && first(c.params.list, "Signature") != "":
		return signatureNotMatch() // which of the two would count?
	case c.claimsV3:
		return c.authenticateV3()
	case authorization != "":
		return signatureNotMatch()
	case c.header:
		if token := headerOf(c.r, headerBearer); token != "" {
			return c.authenticateBearer(token)
		}
		return missingParam("AccessKeyId")
	}
	if first(c.params.list, "AccessKeyId") == "" { // never looked up: a bearer signs with an empty key
		if token := first(c.params.list, "BearerToken"); token != "" {
			return c.authenticateBearer(token)
		}
		return missingParam("AccessKeyId")
	}
	return c.authenticateV1()
}

// openIdentity makes everybody the one account of an open server. Nonce and time of a signature are passed on unchecked: they
// make an unnamed start that a proxy repeats meet its own execution.
func (c *request) openIdentity() {
	c.caller.Account = c.Account
	switch {
	case headerOf(c.r, "Authorization") != "":
		c.caller.Nonce, c.caller.Timestamp = headerOf(c.r, headerNonce), headerOf(c.r, headerDate)
	case first(c.params.list, "Signature") != "":
		c.caller.Nonce, c.caller.Timestamp = c.params.str("SignatureNonce"), c.params.str("Timestamp")
	}
}

var requiredV1 = [...]string{"Signature", "SignatureNonce", "Timestamp"}

// methodV1 is how V1 signs. A client may leave it out, but one that names another way must not think that it was used.
var methodV1 = [...]sign.Param{{Name: "SignatureMethod", Value: "HMAC-SHA1"}, {Name: "SignatureVersion", Value: "1.0"}}

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
	if !key.sign.VerifyV1(c.r.Method, c.params.list, c.params.str("Signature")) {
		return signatureNotMatch()
	}
	c.setIdentity(key, c.params.str("SignatureNonce"), c.params.str("Timestamp"))
	return c.checkNonce(sent.Add(skewV1))
}

// requiredV3 are the headers without which nothing can be verified; the first two are known to be there.
var requiredV3 = [...]struct{ header, name string }{
	{headerContentHash, "x-acs-content-sha256"}, {headerDate, "x-acs-date"}, {headerNonce, "x-acs-signature-nonce"},
}

// coveredV3 are the headers that a V3 signature must cover (api.md 2.5).
var coveredV3 = [...]string{
	"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version",
}

// readSigned reads what a V3 signature covers, before anything else looks at those headers.
func (c *request) readSigned(authorization string) {
	var err error
	if c.authorization, err = sign.ParseAuthorization(authorization); err != nil || len(c.r.Header["Authorization"]) > 1 {
		c.unsigned = signatureNotMatch()
		return
	}
	if err := c.signed.Headers.Read(c.authorization.SignedHeaders, c.r.Host, c.r.Header); err != nil {
		c.unsigned = signatureNotMatch()
		c.unsigned.Message += " Refused: " + cut(err.Error()) + "."
	}
}

// checkCovered refuses a V3 request whose signature leaves out what the server goes by.
func (c *request) checkCovered() error {
	if c.unsigned != nil {
		return c.unsigned
	}
	for _, name := range coveredV3 {
		if _, ok := c.signed.Headers.Get(name); !ok {
			return signatureNotMatch()
		}
	}
	if _, ok := c.signed.Headers.Get("x-acs-security-token"); !ok && headerOf(c.r, headerToken) != "" {
		return signatureNotMatch()
	}
	// Whether a body is a form or JSON decides what it says.
	if _, ok := c.signed.Headers.Get("content-type"); !ok && len(c.body) > 0 {
		f := signatureNotMatch()
		f.Message += " It must cover content-type, because there is a body."
		return f
	}
	return nil
}

// authenticateV3 needs no more of the body than its hash.
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

// verifyV3 checks the signature for the host received, then for the other hosts of this server.
func (c *request) verifyV3(key *accessKey) bool {
	r := &c.signed
	r.Method, r.Query, r.BodyHash = c.r.Method, c.params.list[:c.query], sign.BodyHash(c.body)
	hash, _ := r.Headers.Get("x-acs-content-sha256")
	if subtle.ConstantTimeCompare([]byte(r.BodyHash), []byte(hash)) != 1 {
		return false
	}
	if key.sign.VerifyV3(r, c.authorization.Signature) {
		return true
	}
	for _, host := range c.Hosts {
		r.Headers.SetHost(host)
		if key.sign.VerifyV3(r, c.authorization.Signature) {
			c.host = host
			return true
		}
	}
	return false
}

// key finds a key that is valid now, with the security token that it asks for.
func (c *request) key(id, token string) (*accessKey, error) {
	key := c.Credentials.keys[id]
	if key == nil || key.expired(c.Now()) || subtle.ConstantTimeCompare([]byte(key.token), []byte(token)) != 1 {
		return nil, invalidKey(id)
	}
	return key, nil
}

func (c *request) authenticateBearer(token string) error {
	key := c.Credentials.bearer(token)
	if key == nil || key.expired(c.Now()) {
		return accessDenied()
	}
	c.setIdentity(key, "", "")
	return nil
}

func (c *request) setIdentity(key *accessKey, nonce, timestamp string) {
	c.caller.Account, c.caller.AccessKey = key.account, key.id
	c.caller.Nonce, c.caller.Timestamp = nonce, timestamp
	c.caller.Identity = key.identity
	c.caller.May = access.MayOf(key.policies, key.account, c.Region)
}

// checkSkew parses a request's time and refuses one that is too far from now.
func (c *request) checkSkew(text, name string, skew time.Duration) (time.Time, error) {
	sent, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return sent, invalid("The parameter '%s' must be a UTC time like 2006-01-02T15:04:05Z.", name)
	}
	now := c.Now()
	if d := now.Sub(sent); d > skew || d < -skew {
		return sent, fault.New(fault.RequestTimeTooSkewed,
			"The difference between the request time %s and the current time %s is too large.",
			cut(text), now.UTC().Format(timeFormat))
	}
	return sent, nil
}

// checkNonce refuses a nonce that was used before, where that is checked. After until the request's own time refuses it.
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

// authorize asks the policy of the caller's key for the operation on its flow.
func (c *request) authorize() error {
	c.caller.Region = c.Region
	name := ""
	if c.operation.flow != "" {
		name = c.params.str(c.operation.flow)
	}
	if err := c.caller.Authorize(c.operation.action, name); err != nil {
		return err
	}
	// The engine will report in the caller's name when the execution ends.
	if c.operation.name == "StartExecution" && c.params.str("CallbackFnFTaskToken") != "" {
		return c.caller.AuthorizeReports()
	}
	return nil
}
