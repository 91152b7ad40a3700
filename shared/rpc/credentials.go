package rpc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"millrace/shared/access"
	"millrace/shared/rpc/sign"
)

// Account is an owner of flows, with what its callers identify themselves by.
type Account struct {
	ID     string
	Keys   []AccessKey
	Tokens []BearerToken
	Roles  []access.Role // what its flows may be given to act with
}

// AccessKey is an id and the secret that its signatures are made with.
type AccessKey struct {
	ID, Secret    string
	SecurityToken string    // when set, every request must carry it (STS)
	Expires       time.Time // zero is never
	Policies      []access.Policy
	Replaces      []string // ids of keys before it: what they wrote acts with this key's rights
}

// BearerToken is a token that stands for itself: whoever has it is let in, without a signature.
type BearerToken struct {
	Token    string
	ID       string    // in a rights document, which has no token: what BearerID made of it
	Expires  time.Time // zero is never
	Policies []access.Policy
	Replaces []string
}

// BearerID is the public id of a bearer token: flows remember it. It holds nothing from which a
// long token could be found.
func BearerID(token string) string {
	sum := sha256.Sum256([]byte("millrace bearer token\x00" + token))
	return bearerPrefix + hex.EncodeToString(sum[:8])
}

// bearerPrefix sets the ids of bearer tokens apart: no access key has a colon in its id.
const bearerPrefix = "bearer:"

// Credentials are who may call a server. They do not change, and are safe for many goroutines.
type Credentials struct {
	keys     map[string]*accessKey
	tokens   map[[sha256.Size]byte]*accessKey // by the token's hash, so that a look-up tells nothing of the token
	owners   int                              // accounts that have a key or a token
	register *access.Registry
	file     string   // that they are from; "" for none
	weak     []string // which secrets are easy to guess, for warnings
}

// Register is what keys and roles may do.
func (c *Credentials) Register() *access.Registry {
	return c.register
}

// accessKey is a key, or a bearer token (with no id), that is ready for use.
type accessKey struct {
	id, account, token string
	identity           string // public id: the access key's, or BearerID
	expires            time.Time
	policies           []access.Policy
	sign               *sign.Key
}

// NewCredentials checks and prepares the accounts' keys and tokens. Ids and tokens must be unique across accounts, and
// there must be at least one.
func NewCredentials(accounts []Account) (*Credentials, error) {
	c := &Credentials{keys: map[string]*accessKey{}, tokens: map[[sha256.Size]byte]*accessKey{}}
	for _, a := range accounts {
		if err := checkAccount(a.ID); err != nil {
			return nil, err
		}
		if len(a.Keys)+len(a.Tokens) > 0 {
			c.owners++
		}
		for _, k := range a.Keys {
			if err := c.addKey(a.ID, k); err != nil {
				return nil, err
			}
		}
		for i, t := range a.Tokens {
			if err := c.addToken(a.ID, t); err != nil {
				return nil, fmt.Errorf("bearer token %d of account %s: %w", i+1, a.ID, err)
			}
			c.noteWeak(t.Token, fmt.Sprintf("bearer token %d of account %s", i+1, a.ID))
		}
	}
	if len(c.keys)+len(c.tokens) == 0 {
		return nil, errors.New("there is no access key and no bearer token, so nobody could call; add one")
	}
	var err error
	c.register, err = registerOf(accounts)
	return c, err
}

// registerOf is what the accounts' keys and roles may do, without their secrets.
func registerOf(accounts []Account) (*access.Registry, error) {
	list := make([]access.Account, len(accounts))
	for i, a := range accounts {
		list[i] = access.Account{ID: a.ID, Roles: a.Roles}
		for _, k := range a.Keys {
			list[i].Keys = append(list[i].Keys,
				access.Key{ID: k.ID, Expires: k.Expires, Policies: k.Policies, Replaces: k.Replaces})
		}
		for _, t := range a.Tokens {
			if t.ID == "" {
				t.ID = BearerID(t.Token)
			}
			list[i].Keys = append(list[i].Keys,
				access.Key{ID: t.ID, Expires: t.Expires, Policies: t.Policies, Replaces: t.Replaces})
		}
	}
	return access.NewRegistry(list)
}

// Shared reports whether more than one account may call, so that they must share the server.
func (c *Credentials) Shared() bool { return c != nil && c.owners > 1 }

func checkAccount(id string) error {
	if id == "" || len(id) > 64 || strings.Trim(id, idCharacters) != "" {
		return fmt.Errorf("account id %q must be 1 to 64 letters, digits, '-' or '_'", id)
	}
	return nil
}

const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// checkKey names what is wrong with a key, never its secret.
func checkKey(k AccessKey) error {
	if k.ID == "" || len(k.ID) > 128 || strings.Trim(k.ID, idCharacters+".") != "" {
		return fmt.Errorf("access key id %q must be 1 to 128 letters, digits, '.', '-' or '_'", k.ID)
	}
	if k.Secret == "" {
		return fmt.Errorf("access key %s has no secret", k.ID)
	}
	return nil
}

func (c *Credentials) addKey(account string, k AccessKey) error {
	if err := checkKey(k); err != nil {
		return err
	}
	if c.keys[k.ID] != nil {
		return fmt.Errorf("access key id %s is there twice; ids must be unique across accounts", k.ID)
	}
	c.noteWeak(k.Secret, "the secret of access key "+k.ID)
	c.keys[k.ID] = &accessKey{
		id: k.ID, identity: k.ID, account: account, token: k.SecurityToken, expires: k.Expires, policies: k.Policies,
		sign: sign.NewKey(k.Secret),
	}
	return nil
}

func (c *Credentials) addToken(account string, t BearerToken) error {
	if t.Token == "" {
		return errors.New("the token is empty")
	}
	hash := sha256.Sum256([]byte(t.Token))
	if c.tokens[hash] != nil {
		return errors.New("the token is there twice; tokens must be unique across accounts")
	}
	c.tokens[hash] = &accessKey{identity: BearerID(t.Token), account: account, token: t.Token, expires: t.Expires,
		policies: t.Policies}
	return nil
}

// bearer finds a token, nil when it is unknown.
func (c *Credentials) bearer(token string) *accessKey {
	k := c.tokens[sha256.Sum256([]byte(token))]
	if k == nil || subtle.ConstantTimeCompare([]byte(k.token), []byte(token)) != 1 {
		return nil
	}
	return k
}

func (k *accessKey) expired(now time.Time) bool { return !k.expires.IsZero() && !now.Before(k.expires) }

// OnlyAccount is the account of every key and token; "" when there are several accounts.
func (c *Credentials) OnlyAccount() string {
	only, several := "", false
	see := func(k *accessKey) {
		several = several || only != "" && only != k.account
		only = k.account
	}
	for _, k := range c.keys {
		see(k)
	}
	for _, t := range c.tokens {
		see(t)
	}
	if several {
		return ""
	}
	return only
}

// HasBearerTokens reports whether callers may identify themselves by a token that is sent as it is.
func (c *Credentials) HasBearerTokens() bool { return len(c.tokens) > 0 }
