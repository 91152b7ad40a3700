package sign

import (
	"errors"
	"strings"
)

// Algorithm is the only V3 signature algorithm that is supported.
const Algorithm = "ACS3-HMAC-SHA256"

// Authorization holds the parts of a V3 Authorization header. Signature is as sent.
type Authorization struct{ Credential, SignedHeaders, Signature string }

// signedMax is the longest SignedHeaders, in bytes: the work of a signature grows with it.
const signedMax = 2048

// ParseAuthorization parses `ACS3-HMAC-SHA256
// Credential=<AccessKeyId>,SignedHeaders=<h1;h2>,Signature=<hex>`. The parts may be in any order,
// with spaces around the commas. It returns an error for another algorithm, for a part that is
// missing, empty, unknown or repeated, and for header names that are not sorted.
func ParseAuthorization(header string) (Authorization, error) {
	var a Authorization
	algorithm, rest, _ := strings.Cut(trim(header), " ")
	if algorithm != Algorithm {
		return a, errors.New("the algorithm is not " + Algorithm)
	}
	for more := true; more; {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		name, value, _ := strings.Cut(trim(part), "=")
		field := a.part(name)
		if field == nil {
			return Authorization{}, errors.New("unknown part in Authorization")
		}
		if *field != "" || value == "" {
			return Authorization{}, errors.New(name + " must be there once")
		}
		*field = value
	}
	if a.Credential == "" || a.SignedHeaders == "" || a.Signature == "" {
		return Authorization{}, errors.New(
			"Authorization needs Credential, SignedHeaders and Signature")
	}
	if len(a.SignedHeaders) > signedMax {
		return Authorization{}, errors.New("too many signed headers")
	}
	if !ascending(a.SignedHeaders) {
		return Authorization{}, errors.New("SignedHeaders must be sorted, each name once")
	}
	return a, nil
}

// ascending reports whether the names are sorted and unique, so that each header is hashed at most
// once.
func ascending(names string) bool {
	last, rest, more := strings.Cut(names, ";")
	for more {
		var name string
		if name, rest, more = strings.Cut(rest, ";"); name <= last {
			return false
		}
		last = name
	}
	return true
}

func (a *Authorization) part(name string) *string {
	switch name {
	case "Credential":
		return &a.Credential
	case "SignedHeaders":
		return &a.SignedHeaders
	case "Signature":
		return &a.Signature
	}
	return nil
}

// String returns the header.
func (a *Authorization) String() string {
	return Algorithm + " Credential=" + a.Credential + ",SignedHeaders=" + a.SignedHeaders +
		",Signature=" + a.Signature
}
