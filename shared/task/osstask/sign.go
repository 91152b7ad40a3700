package osstask

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
)

// errUnsigned means that there are no credentials to sign with.
var errUnsigned = errors.New("the call could not be signed")

// request returns the signed request for an object.
func (t *Runner) request(ctx context.Context, g *getRequest) (*http.Request, error) {
	address, prefix, err := t.o.Endpoints.Bucket(g.region, g.bucket)
	if err != nil {
		return nil, err
	}
	if g.region == "" {
		g.region = t.o.Endpoints.Region
	}
	path, query := escapePath(g.key), ""
	at := address + prefix + "/" + path
	if g.versionID != "" {
		query = "versionId=" + acs.Escape(g.versionID)
		at += "?" + query
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%q is no address of a service", address)
	}
	for name, v := range map[string]string{
		"Range": g.bytes, "If-Match": quoted(g.match), "If-None-Match": quoted(g.noneMatch),
	} {
		if v != "" {
			r.Header.Set(name, v)
		}
	}
	r.Header.Set("User-Agent", "Millrace")
	r.Header.Set("Accept-Encoding", "identity") // the bytes as they are stored
	k, err := t.o.Credentials(ctx)
	if err == nil && !k.Valid() {
		err = alibaba.ErrNoCredentials
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsigned, err)
	}
	sign(r, k, t.o.Now(), g.region, "/"+g.bucket+"/"+path, query)
	return r, nil
}

// escapePath escapes the parts of a key between slashes.
func escapePath(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = acs.Escape(p)
	}
	return strings.Join(parts, "/")
}

// quoted returns an ETag in the form of a header.
func quoted(tag string) string {
	if tag == "" || strings.HasPrefix(tag, `"`) {
		return tag
	}
	return `"` + tag + `"`
}

// algorithm is OSS's signature version 4.
const algorithm = "OSS4-HMAC-SHA256"

// sign signs r: the method, the resource (bucket and key, whatever the host is), the query, and the
// headers x-oss-*. It does not sign the body; neither do the official clients.
func sign(r *http.Request, k alibaba.Credentials, now time.Time, region, resource, query string) {
	at := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Oss-Date", at)
	r.Header.Set("X-Oss-Content-Sha256", "UNSIGNED-PAYLOAD")
	if k.SecurityToken != "" {
		r.Header.Set("X-Oss-Security-Token", k.SecurityToken)
	}
	var lines []string
	for name, v := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-oss-") {
			lines = append(lines, lower+":"+strings.TrimSpace(v[0])+"\n")
		}
	}
	slices.Sort(lines)
	digest := sha256.Sum256([]byte(r.Method + "\n" + resource + "\n" + query + "\n" +
		strings.Join(lines, "") + "\n\nUNSIGNED-PAYLOAD"))
	scope := at[:8] + "/" + region + "/oss/aliyun_v4_request"
	key := []byte("aliyun_v4" + k.AccessKeySecret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, algorithm+"\n"+at+"\n"+scope+"\n"+hex.EncodeToString(digest[:]))
	r.Header.Set("Authorization",
		algorithm+" Credential="+k.AccessKeyID+"/"+scope+",Signature="+
			hex.EncodeToString(signature))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
