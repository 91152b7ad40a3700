//go:build linux

package security_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/support/live"
)

// bombs are requests of a megabyte that decode to seventy, from callers that the server does not
// know: each has the form of an authorized request.
func bombs() map[string]func() string {
	body := `{"a":` + objects(1_040_000) + "}"
	sum := sha256.Sum256([]byte(body))
	head := func(lines string) string {
		return fmt.Sprintf(
			"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"+
				"Content-Length: %d\r\n%s\r\n", len(body), lines)
	}
	action := "x-acs-action: StartExecution\r\nx-acs-version: 2019-03-15\r\n"
	form := "Action=StartExecution&Version=2019-03-15&FlowName=pass&AccessKeyId=owner&" +
		"SignatureVersion=1.0&" +
		"SignatureMethod=HMAC-SHA1&Signature=x&SignatureNonce=1&Input=" +
		url.QueryEscape(body[:250_000])
	return map[string]func() string{
		"V1": func() string {
			return strings.Replace(head("")+body, "POST / ",
				"POST /?Action=StartExecution&Version=2019-03-15&AccessKeyId=owner"+
					"&SignatureVersion=1.0&SignatureMethod=HMAC-SHA1&SignatureNonce=1&Signature=x ",
				1)
		},
		"V1, a form": func() string {
			return post + fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s",
				len(form), form)
		},
		"V3": func() string {
			return head(action+"x-acs-content-sha256: "+hex.EncodeToString(
				sum[:])+"\r\nx-acs-signature-nonce: 1\r\nx-acs-date: "+
				time.Now().UTC().Format(
					"2006-01-02T15:04:05Z")+"\r\nAuthorization: ACS3-HMAC-SHA256 "+
				"Credential=owner,SignedHeaders="+
				"content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;"+
				"x-acs-signature-nonce;x-acs-version,Signature="+
				strings.Repeat("0", 64)+"\r\n") + body
		},
		"bearer":  func() string { return head(action+"Authorization: Bearer nobody\r\n") + body },
		"nothing": func() string { return head("") + body },
	}
}

// sendMany sends a text over count connections at once and counts the responses by status.
func sendMany(address, text string, count int) map[string]int {
	var mu sync.Mutex
	var work sync.WaitGroup
	got := map[string]int{}
	for range count {
		work.Go(func() {
			status := "none"
			if c, err := net.DialTimeout("tcp", address, time.Minute); err == nil {
				defer c.Close()
				c.SetDeadline(time.Now().Add(2 * time.Minute))
				status = statusOf(c, text)
			}
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	work.Wait()
	return got
}

// statusOf sends a text and returns the status of the response, which may come before everything
// was sent.
func statusOf(c net.Conn, text string) string {
	go c.Write([]byte(text))
	line := make([]byte, len("HTTP/1.1 400"))
	for n := 0; n < len(line); {
		m, err := c.Read(line[n:])
		if n += m; err != nil {
			return "none"
		}
	}
	return string(line[len("HTTP/1.1 "):])
}

// TestBombs checks that the server does not decode the JSON of an unknown caller, in whatever form
// it comes, and that of a known caller only up to the limit of the parameter. 83 MB at once crashed
// a server with 4 GiB.
func TestBombs(t *testing.T) {
	s := startLimited(t, live.Options{}, fourGigabytes)
	stop := make(chan struct{})
	var beside sync.WaitGroup
	var v *served
	beside.Go(func() {
		v = visits(s, "beside", seconds(t))
		close(stop)
	})
	all := bombs()
	for begun, over := false, false; !over && s.Alive(); begun = true {
		for name, text := range all {
			got := sendMany(s.Address, text(), 80)
			if !begun {
				t.Logf("%s: %v", name, got)
			}
			if got["200"] > 0 {
				t.Errorf("%s: %v", name, got)
			}
		}
		signed(t, s)
		select {
		case <-stop:
			over = true
		default:
		}
	}
	beside.Wait()
	v.check(t, "beside 80 bodies of 1 MB at once")
	checkAlive(t, s, 600)
	s.Shutdown()
}

// signed sends the same as an account that the server knows, with its own client.
func signed(t *testing.T, s *live.Server) {
	input := objects(1_000_000)
	var work sync.WaitGroup
	for i := range 40 {
		work.Go(func() {
			o := key("stranger", "s8")
			o.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			o.Signature = []string{"v1", "v3"}[i%2]
			_, err := s.ClientAs(o).StartExecution(context.Background(),
				cloudflow.StartExecutionRequest{
					FlowName: "none", ExecutionName: "x", Input: input})
			if err == nil {
				t.Error("an input of 1 MB is taken")
			} else if client.RequestID(err) == "" && s.Alive() {
				t.Logf("no answer: %.200v", err)
			}
		})
	}
	work.Wait()
}
