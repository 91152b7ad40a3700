package local

import (
	"crypto/tls"
	"fmt"
	"net"
)

// tlsListener wraps a listener in TLS if the configuration names a certificate. It reads the files
// once. The time limit for the headers of a request includes the TLS handshake.
func tlsListener(l net.Listener, c Config) (net.Listener, error) {
	if c.Certificate == "" && c.Key == "" {
		return l, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", c.Certificate, c.Key, err)
	}
	return tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
	}), nil
}
