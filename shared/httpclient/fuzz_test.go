package httpclient_test

import (
	"testing"

	"millrace/shared/httpclient"
)

func FuzzAllow(f *testing.F) {
	for _, seed := range []string{
		"*.example.com", "10.0.0.0/8", "::/0", "[::1]:80", "a:b:c", "/", "1.2.3.4", "fe80::1%lo",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		c, err := httpclient.New(httpclient.Options{Allow: []string{entry}})
		if (c == nil) == (err == nil) {
			t.Fatalf("client %v, error %v", c, err)
		}
		if c == nil {
			return
		}
		// Whatever the list contains, the metadata service stays closed.
		if resp, err := c.Get("http://169.254.169.254:9/"); err == nil {
			resp.Body.Close()
			t.Fatal("the metadata service was called")
		}
	})
}
