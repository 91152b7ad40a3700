package console

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/shared/rpc"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/sign"
)

// sessionMax is how long a reader stays signed in.
const sessionMax = 12 * time.Hour

// sessionCookie names the cookie that holds a session. A session needs no store: it names
// a key and its end, and is signed with that key, so it ends when the key does, and every server
// and function that knows the key accepts it.
const sessionCookie = "millrace"

// sessionName returns the name of the cookie that holds a session. Over TLS it has the prefix with
// which a browser takes it from this host alone.
func (c *Console) sessionName() string {
	if c.Secure {
		return "__Host-" + sessionCookie
	}
	return sessionCookie
}

// sealed is what the signature of a session covers. Its method is none of HTTP's, so that it can
// never be taken for the signature of a request.
func sealed(id string, until int64) (method string, params []sign.Param) {
	return "CONSOLE", []sign.Param{{Name: "AccessKeyId", Value: id},
		{Name: "Until", Value: strconv.FormatInt(until, 10)}}
}

// newSession returns the text of a session.
func newSession(key *auth.Key, until time.Time) string {
	method, params := sealed(key.ID, until.Unix())
	return base64.RawURLEncoding.EncodeToString([]byte(key.ID)) + "." +
		strconv.FormatInt(until.Unix(), 10) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(key.Sign.V1(method, params)))
}

// sessionKey returns the key of a session; nil if the session is not valid now.
func (c *Console) sessionKey(text string) *auth.Key {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil
	}
	id, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return nil
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	now := c.Now()
	if err != nil || now.Unix() >= until || until > now.Add(sessionMax).Unix() ||
		strconv.FormatInt(until, 10) != parts[1] {
		return nil
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil
	}
	key := c.Credentials.AccessKey(string(id), "", c.Now())
	method, params := sealed(string(id), until)
	if key == nil || !key.Sign.VerifyV1(method, params, string(signature)) {
		return nil
	}
	return key
}

// signedIn returns the key of a request; nil if its reader is not signed in.
func (c *Console) signedIn(r *http.Request) *auth.Key {
	cookie, err := r.Cookie(c.sessionName())
	if err != nil {
		return nil
	}
	return c.sessionKey(cookie.Value)
}

func (c *Console) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, MaxAge: int(age.Seconds()),
		Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.Secure})
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "sign-in", c.newPage(r, "sign-in"), signInForm{Next: ownPath(
		r.URL.Query().Get("next"))})
}

// signInForm is what the page for signing in shows.
type signInForm struct{ ID, Next, Wrong string }

// signInBytesMax is the most that the form for signing in may send, in bytes.
const signInBytesMax = 8 << 10

// signIn checks a key and its secret, and begins a session.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, signInBytesMax)
	page := c.newPage(r, "sign-in")
	form := signInForm{ID: r.PostFormValue("id"), Next: ownPath(r.PostFormValue("next"))}
	key := c.Credentials.AccessKey(form.ID, "", c.Now())
	if key == nil || !hasSecret(key, r.PostFormValue("secret")) {
		status := http.StatusForbidden
		form.Wrong = page.T("wrong key")
		if !c.signIns.AllowN(c.Now(), 1) { // failures alone count: they must not keep others out
			status, form.Wrong = http.StatusTooManyRequests, page.T("too many attempts")
		}
		c.render(w, r, status, "sign-in", page, form)
		return
	}
	c.setCookie(w, c.sessionName(), newSession(key, c.Now().Add(sessionMax)), sessionMax)
	redirect(w, r, form.Next)
}

// hasSecret reports whether a key has a secret, by a signature of each.
func hasSecret(key *auth.Key, secret string) bool {
	method, params := sealed(key.ID, 0)
	return key.Sign.VerifyV1(method, params, sign.NewKey(secret).V1(method, params))
}

func (pr *pageRequest) signOut() error {
	pr.console.setCookie(pr.w, pr.console.sessionName(), "", -time.Second)
	return pr.to("")
}

// namesThisMachine reports whether an open console answers to a Host. A page of another site whose
// name has been made to lead here sends its own.
func (c *Console) namesThisMachine(host string) bool {
	return rpc.IsLoopback(host) || slices.Contains(c.Hosts, host)
}
