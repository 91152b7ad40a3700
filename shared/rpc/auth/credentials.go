// Package auth holds who may call a server: accounts with their access keys, bearer tokens and
// roles, read from a credentials file (docs/credentials.md). Package access defines what they may
// do.
package auth

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

// Account owns flows. Its keys and tokens identify its callers.
type Account struct {
	ID     string
	Keys   []AccessKey
	Tokens []BearerToken
	Roles  []access.Role // roles that its flows may assume
}

// AccessKey is the id and the secret of a signature.
type AccessKey struct {
	ID, Secret    string
	SecurityToken string    // if set, every request must carry it (STS)
	Expires       time.Time // zero: never
	Policies      []access.Policy
	Replaces      []string // ids of earlier keys: what they wrote has this key's rights now
}

// BearerToken admits every caller that has it, without a signature.
type BearerToken struct {
	Token    string
	ID       string    // set in a rights document, which has no token: BearerID(Token)
	Expires  time.Time // zero: never
	Policies []access.Policy
	Replaces []string
}

// BearerID returns the public id of a bearer token; flows store it. A long token cannot be found
// from it.
func BearerID(token string) string {
	sum := sha256.Sum256([]byte("millrace bearer token\x00" + token))
	return bearerPrefix + hex.EncodeToString(sum[:8])
}

// bearerPrefix distinguishes the ids of bearer tokens: no access key id has a colon.
const bearerPrefix = "bearer:"

// Credentials say who may call a server. They are immutable and safe for concurrent use.
type Credentials struct {
	keys     map[string]*Key
	tokens   map[[sha256.Size]byte]*Key // by hash: look-up times must not reveal tokens
	owners   int                        // number of accounts with a key or a token
	register *access.Registry
	file     string   // the file that they come from; "" if none
	weak     []string // names of the secrets that are easy to guess, for warnings
}

// Register returns what keys and roles may do.
func (c *Credentials) Register() *access.Registry {
	return c.register
}

// Key is an access key or a bearer token, prepared for use. It must not be modified.
type Key struct {
	ID       string // of an access key; "" for a bearer token
	Account  string
	Identity string // public id: that of the access key, or BearerID
	Policies []access.Policy
	Sign     *sign.Key // nil for a bearer token

	token   string
	expires time.Time
}

// New checks and prepares the keys and tokens of the accounts. Ids and tokens must be
// unique across accounts. There must be at least one key or token.
func New(accounts []Account) (*Credentials, error) {
	c := &Credentials{keys: map[string]*Key{}, tokens: map[[sha256.Size]byte]*Key{}}
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
		return nil, errors.New(
			"there is no access key and no bearer token, so nobody could call; add one")
	}
	var err error
	c.register, err = registerOf(accounts)
	return c, err
}

// registerOf returns what the keys and roles of the accounts may do, without their secrets.
func registerOf(accounts []Account) (*access.Registry, error) {
	list := make([]access.Account, len(accounts))
	for i, a := range accounts {
		list[i] = access.Account{ID: a.ID, Roles: a.Roles}
		for _, k := range a.Keys {
			list[i].Keys = append(list[i].Keys,
				access.Key{ID: k.ID, Expires: k.Expires, Policies: k.Policies,
					Replaces: k.Replaces})
		}
		for _, t := range a.Tokens {
			if t.ID == "" {
				t.ID = BearerID(t.Token)
			}
			list[i].Keys = append(list[i].Keys,
				access.Key{ID: t.ID, Expires: t.Expires, Policies: t.Policies,
					Replaces: t.Replaces})
		}
	}
	return access.NewRegistry(list)
}

// Shared reports whether more than one account may call. Such accounts must share the server.
func (c *Credentials) Shared() bool { return c != nil && c.owners > 1 }

func checkAccount(id string) error {
	if id == "" || len(id) > 64 || strings.Trim(id, idCharacters) != "" {
		return fmt.Errorf("account id %q must be 1 to 64 letters, digits, '-' or '_'", id)
	}
	return nil
}

const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// checkKey reports what is wrong with a key. The error never holds the secret.
func checkKey(k AccessKey) error {
	if k.ID == "" || len(k.ID) > 128 || strings.Trim(k.ID, idCharacters+".") != "" {
		return fmt.Errorf("access key id %q must be 1 to 128 letters, digits, '.', '-' or '_'",
			k.ID)
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
		return fmt.Errorf("access key id %s is there twice; ids must be unique across accounts",
			k.ID)
	}
	c.noteWeak(k.Secret, "the secret of access key "+k.ID)
	c.keys[k.ID] = &Key{
		ID: k.ID, Identity: k.ID, Account: account, Policies: k.Policies,
		Sign: sign.NewKey(k.Secret), token: k.SecurityToken, expires: k.Expires,
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
	c.tokens[hash] = &Key{
		Identity: BearerID(t.Token), Account: account, Policies: t.Policies,
		token: t.Token, expires: t.Expires,
	}
	return nil
}

// AccessKey returns the access key with this id; nil if it is unknown or not valid at now, or if
// its security token is another one.
func (c *Credentials) AccessKey(id, securityToken string, now time.Time) *Key {
	k := c.keys[id]
	if k == nil || k.expired(now) || !equal(k.token, securityToken) {
		return nil
	}
	return k
}

// Bearer returns the entry of a bearer token; nil if it is unknown or not valid at now.
func (c *Credentials) Bearer(token string, now time.Time) *Key {
	k := c.tokens[sha256.Sum256([]byte(token))]
	if k == nil || !equal(k.token, token) || k.expired(now) {
		return nil
	}
	return k
}

// AccountOf returns the account of the access key with this id; "" if it is unknown. It verifies
// nothing.
func (c *Credentials) AccountOf(id string) string {
	if k := c.keys[id]; k != nil {
		return k.Account
	}
	return ""
}

// equal compares secrets in a time that does not reveal them.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (k *Key) expired(now time.Time) bool {
	return !k.expires.IsZero() && !now.Before(k.expires)
}

// OnlyAccount returns the account of all keys and tokens; "" if there are several accounts.
func (c *Credentials) OnlyAccount() string {
	only, several := "", false
	see := func(k *Key) {
		several = several || only != "" && only != k.Account
		only = k.Account
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

// HasBearerTokens reports whether a caller may identify itself by a bearer token, which is sent in
// plain text.
func (c *Credentials) HasBearerTokens() bool { return len(c.tokens) > 0 }
