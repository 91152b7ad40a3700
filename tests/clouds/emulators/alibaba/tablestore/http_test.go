package tablestore_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/common"
	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

func TestKeys(t *testing.T) {
	clk := newClock()
	s := tablestore.New(tablestore.Options{Now: clk.now, Keys: []tablestore.Key{
		{ID: "long", Secret: "s1"},
		{ID: "sts", Secret: "s2", Token: "token", Expires: clk.now().Add(time.Hour)},
		{ID: "reader", Secret: "s3", Deny: []string{"CreateTable", "PutRow"}},
	}})
	list := func(instance string, k tablestore.Key) error {
		return second(clientOf(s, instance, k).ListTable())
	}
	for _, k := range []tablestore.Key{{ID: "long", Secret: "s1"},
		{ID: "sts", Secret: "s2", Token: "token"}, {ID: "reader", Secret: "s3"}} {
		if err := list(tablestore.DefaultInstance, k); err != nil {
			t.Errorf("%s: %v", k.ID, err)
		}
	}
	fails(t, list(tablestore.DefaultInstance, tablestore.Key{ID: "nobody", Secret: "s1"}),
		"OTSAuthFailed", "The AccessKeyID does not exist.")
	fails(t, list(tablestore.DefaultInstance, tablestore.Key{ID: "long", Secret: "s2"}),
		"OTSAuthFailed", "Signature mismatch.")
	fails(t, list(tablestore.DefaultInstance, tablestore.Key{ID: "sts", Secret: "s2"}),
		"OTSAuthFailed", "The security token is invalid.")
	fails(t, list(tablestore.DefaultInstance, tablestore.Key{
		ID:     "sts",
		Secret: "s2",
		Token:  "other",
	}), "OTSAuthFailed", "The security token is invalid.")
	fails(t, list("elsewhere", tablestore.Key{ID: "long", Secret: "s1"}), "OTSAuthFailed",
		"The instance is not found.")
	fails(t, second(clientOf(s, tablestore.DefaultInstance, tablestore.Key{
		ID:     "reader",
		Secret: "s3",
	}).CreateTable(schema("t"))), "OTSNoPermissionAccess", "")
	clk.move(time.Hour)
	fails(t, list(tablestore.DefaultInstance, tablestore.Key{
		ID:     "sts",
		Secret: "s2",
		Token:  "token",
	}), "OTSAuthFailed", "The security token has expired.")
	s.SetKeys(tablestore.Key{ID: "fresh", Secret: "s4"})
	fails(t, list(tablestore.DefaultInstance, tablestore.Key{ID: "long", Secret: "s1"}),
		"OTSAuthFailed", "The AccessKeyID does not exist.")
	if err := list(tablestore.DefaultInstance,
		tablestore.Key{ID: "fresh", Secret: "s4"}); err != nil {
		t.Error(err)
	}
}

// TestSignatureV4: signatures of version 4 are accepted, too.
func TestSignatureV4(t *testing.T) {
	s := tablestore.New(tablestore.Options{})
	list := func(secret string) error {
		config := sdk.NewDefaultTableStoreConfig()
		config.RetryTimes, config.Transport = 0, s
		v4 := common.CreateByCredentials(&common.DefaultCredentials{
			AccessKeyID:     "test",
			AccessKeySecret: secret,
		}, "cn-hangzhou")
		return second(sdk.NewClientWithCredentialsProvider("http://tablestore.test",
			tablestore.DefaultInstance, provider{v4}, config).ListTable())
	}
	if err := list("test"); err != nil {
		t.Error(err)
	}
	fails(t, list("wrong"), "OTSAuthFailed", "Signature mismatch.")
}

type provider struct{ c common.Credentials }

func (p provider) GetCredentials() common.Credentials { return p.c }

// request returns a hand-signed request; change may corrupt it before it is signed.
func request(op, body string, change func(*http.Request)) *http.Request {
	r, _ := http.NewRequest("POST", "http://tablestore.test/"+op, strings.NewReader(body))
	sum := md5.Sum([]byte(body))
	for name, v := range map[string]string{
		"x-ots-date":         time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"x-ots-apiversion":   "2015-12-31",
		"x-ots-accesskeyid":  "test",
		"x-ots-contentmd5":   base64.StdEncoding.EncodeToString(sum[:]),
		"x-ots-instancename": tablestore.DefaultInstance,
	} {
		r.Header.Set(name, v)
	}
	change(r)
	r.Header.Set("x-ots-signature", signed("/"+op+"\nPOST\n\n", r.Header, ""))
	return r
}

func signed(before string, h http.Header, after string) string {
	var lines []string
	for name, v := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-ots-") {
			lines = append(lines, name+":"+v[0]+"\n")
		}
	}
	slices.Sort(lines)
	m := hmac.New(sha1.New, []byte("test"))
	io.WriteString(m, before+strings.Join(lines, "")+after)
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func TestHeaders(t *testing.T) {
	s := tablestore.New(tablestore.Options{})
	drop := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del(name) }
	}
	set := func(name, v string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, v) }
	}
	late := time.Now().Add(-16 * time.Minute).UTC().Format("2006-01-02T15:04:05.000Z")
	for _, test := range []struct {
		op, body string
		change   func(*http.Request)
		status   int
		text     string
	}{
		{"ListTable", "", func(*http.Request) {}, 200, ""},
		{"ListTable", "", func(r *http.Request) { r.Method = "GET" }, 405, "OTSMethodNotAllowed"},
		{"Nonsense", "", func(*http.Request) {}, 400, "Unsupported operation: Nonsense."},
		{"StartLocalTransaction", "", func(*http.Request) {}, 400,
			"Unsupported operation: StartLocalTransaction."},
		{"ListTable", "", drop("x-ots-date"), 400, "Missing header: x-ots-date."},
		{"ListTable", "", drop("x-ots-instancename"), 400, "Missing header: x-ots-instancename."},
		{"ListTable", "", set("x-ots-date", "yesterday"), 400, "Invalid date format: yesterday."},
		{"ListTable", "", set("x-ots-date", late), 403,
			"Mismatch between system time and x-ots-date: " + late + "."},
		{"ListTable", "", set("x-ots-contentmd5", "x"), 403,
			"Mismatch between MD5 value of request body and x-ots-contentmd5 in header."},
		{"ListTable", "", set("x-ots-apiversion", "1999"), 400, "Invalid API version: 1999."},
		{"PutRow", "nonsense", func(*http.Request) {}, 400, "OTSParameterInvalid"},
		{"GetRange", "\x0a\x01t", func(*http.Request) {}, 400, "required field 2 is absent"},
		{"ListTable", strings.Repeat("x", 5<<20+1), func(*http.Request) {}, 413,
			"OTSRequestBodyTooLarge"},
	} {
		answer, err := s.RoundTrip(request(test.op, test.body, test.change))
		ok(t, 0, err)
		body, err := io.ReadAll(answer.Body)
		ok(t, 0, err)
		if answer.StatusCode != test.status || !strings.Contains(string(body), test.text) {
			t.Errorf("%s: %d %q, want %d %q", test.op, answer.StatusCode, body,
				test.status, test.text)
		}
		if answer.StatusCode != 200 {
			continue
		}
		// The headers that the Python SDK reads.
		h, sum := answer.Header, md5.Sum(body)
		if _, err := time.Parse("2006-01-02T15:04:05.999999Z", h.Get("x-ots-date")); err != nil ||
			h.Get("x-ots-requestid") == "" ||
			h.Get("x-ots-contenttype") == "" ||
			h.Get("x-ots-contentmd5") != base64.StdEncoding.EncodeToString(sum[:]) {
			t.Errorf("headers %v", h)
		}
		want := "OTS test:" + signed("", h, "/ListTable")
		if got := h.Get("Authorization"); got != want {
			t.Errorf("Authorization %q, want %q", got, want)
		}
	}
}

// TestFaults: each fault has its effect on the matching request. If the response is lost, the write
// has been applied.
func TestFaults(t *testing.T) {
	s, c := opened(t, tablestore.Options{})
	web := httptest.NewServer(s)
	defer web.Close()
	remote := sdk.NewDefaultTableStoreConfig()
	remote.RetryTimes = 0
	clients := map[string]*sdk.TableStoreClient{"here": c,
		"over HTTP": sdk.NewClientWithConfig(web.URL, tablestore.DefaultInstance, "test",
			"test", "", remote)}
	for name, c := range clients {
		k := func(n string) *sdk.PrimaryKey { return key(name, n) }
		once := func(f tablestore.Fault) {
			s.SetFault(func(r tablestore.Request) tablestore.Fault {
				if !r.Writes() {
					return tablestore.Fault{}
				}
				return f
			})
		}
		try := func(n string, f tablestore.Fault) error {
			once(f)
			defer s.SetFault(nil)
			return second(put(c, k(n), nil, notExists, nil))
		}
		fails(t, try("busy", tablestore.Fault{Refuse: tablestore.ServerBusy}), "OTSServerBusy",
			"Server is busy.")
		fails(t, try("timeout", tablestore.Fault{Instead: tablestore.Timeout}), "OTSTimeout",
			"Operation timeout.")
		for _, n := range []string{"drop", "lose"} {
			if err := try(n, tablestore.Fault{Drop: n == "drop", Lose: n == "lose"}); err == nil ||
				strings.Contains(err.Error(), "OTS") {
				t.Errorf("%s, %s: %v", name, n, err)
			}
		}
		ok(t, 0, try("late", tablestore.Fault{Delay: time.Millisecond}))
		for n, want := range map[string]bool{
			"busy":    false,
			"timeout": true,
			"drop":    false,
			"lose":    true,
			"late":    true,
		} {
			if got := values(t, c, k(n)) != nil; got != want {
				t.Errorf("%s, %s: the row is there: %v", name, n, got)
			}
		}
	}
	// With its own retries, the SDK mistakes a lost response for a lost race.
	config := sdk.NewDefaultTableStoreConfig()
	config.Transport = s
	lost := false
	s.SetFault(func(r tablestore.Request) tablestore.Fault {
		if r.Op != "PutRow" || lost {
			return tablestore.Fault{}
		}
		lost = true
		return tablestore.Fault{Lose: true}
	})
	retrying := sdk.NewClientWithConfig("http://tablestore.test", tablestore.DefaultInstance,
		"test", "test", "", config)
	fails(t, second(put(retrying, key("a", "lost"), nil, notExists, nil)),
		"OTSConditionCheckFail", "")
}

func TestChance(t *testing.T) {
	draw := func() (got []string) {
		hook := tablestore.Chance{
			Seed:     7,
			Busy:     0.2,
			Conflict: 0.2,
			Drop:     0.1,
			Lose:     0.1,
			Timeout:  0.1,
		}.Hook()
		for range 200 {
			f := hook(tablestore.Request{Op: "PutRow"})
			got = append(got, fmt.Sprint(f.Refuse, f.Drop, f.Lose, f.Instead))
		}
		return got
	}
	first := draw()
	if !slices.Equal(first, draw()) {
		t.Error("the same seed gives other faults")
	}
	kinds := map[string]bool{}
	for _, f := range first {
		kinds[f] = true
	}
	if len(kinds) < 6 {
		t.Errorf("only %d kinds of faults: %v", len(kinds), kinds)
	}
	read := tablestore.Chance{Conflict: 1}.Hook()(tablestore.Request{Op: "GetRow"})
	if read.Refuse != nil {
		t.Errorf("a read conflicts: %v", read.Refuse)
	}
	batch := tablestore.Chance{Conflict: 1}.Hook()(tablestore.Request{Op: "BatchWriteRow"})
	if batch.Refuse != nil || batch.Rows(0) != tablestore.RowOperationConflict {
		t.Error("a batch does not conflict row by row")
	}
}

// FuzzRequest: no body of any operation crashes the server.
func FuzzRequest(f *testing.F) {
	f.Add(uint8(0), []byte("\x0a\x01t"))
	f.Add(uint8(5), []byte("\x0a\x01t\x12\x00\x1a\x02\x08\x00"))
	f.Add(uint8(7), []byte("\x0a\x01t\x10\x00\x3a\x00\x42\x00"))
	ops := []string{"CreateTable", "DeleteTable", "DescribeTable", "UpdateTable", "CreateIndex",
		"PutRow", "UpdateRow", "GetRange", "BatchWriteRow", "BatchGetRow",
		"GetRow", "DeleteRow", "DropIndex", "AddDefinedColumn", "DeleteDefinedColumn"}
	f.Fuzz(func(t *testing.T, op uint8, body []byte) {
		s := tablestore.New(tablestore.Options{})
		ok(t, 0, second(client(s).CreateTable(schema("t"))))
		answer, err := s.RoundTrip(request(ops[int(op)%len(ops)], string(body),
			func(*http.Request) {}))
		ok(t, 0, err)
		if answer.StatusCode >= 500 {
			t.Errorf("%d", answer.StatusCode)
		}
	})
}
