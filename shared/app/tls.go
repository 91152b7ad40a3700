//go:build !lambda.norpc

package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"

	"millrace/shared/rpc"
)

// encrypted gives a listener that speaks TLS when the configuration names a certificate, else the same. The files are
// read once. A client has the time of its request's headers for the handshake.
func encrypted(l net.Listener, c Config) (net.Listener, error) {
	if c.Certificate == "" && c.Key == "" {
		return l, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", c.Certificate, c.Key, err)
	}
	warnOfOpenKey(c.Log, c.Key)
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}

// warnOfOpenKey warns when everybody on the machine may read or change the private key.
func warnOfOpenKey(log *slog.Logger, key string) {
	info, err := os.Stat(key)
	if err == nil && rpc.OpenToAll(info.Mode()) {
		log.Warn("every user of this machine may read or change the private key of the certificate; chmod 600 it", "file", key)
	}
}
