package rpc_test

import (
	"testing"

	"millrace/shared/rpc"
)

// TestIsLoopback checks the one function that decides what is this machine, for the client, for the
// address of an open server and for the Host of a browser's request.
func TestIsLoopback(t *testing.T) {
	for _, host := range []string{
		"localhost", "LocalHost:8642", "localhost.", "api.localhost:1", "127.0.0.1", "127.9.9.9:80",
		"::1", "[::1]", "[::1]:8642", "::ffff:127.0.0.1",
	} {
		if !rpc.IsLoopback(host) {
			t.Errorf("%s is another machine", host)
		}
	}
	for _, host := range []string{
		"", ":8642", "0.0.0.0:8642", "[::]:8642", "example.com", "localhost.example.com",
		"notlocalhost", "127.0.0.1.example.com", "128.0.0.1", "example.com@localhost",
		"localhost@example.com", "example.com/localhost", "localhost/", "2130706433",
		"[localhost]x", "169.254.169.254",
	} {
		if rpc.IsLoopback(host) {
			t.Errorf("%s is this machine", host)
		}
	}
}
