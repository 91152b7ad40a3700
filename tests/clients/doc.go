// Package clients holds the tests that drive the built server, bin/millrace, with the released
// official clients of CloudFlow, unchanged. It is a module of its own, which keeps their
// dependencies out of the server's.
//
// Every test runs once per client; clients_test.go lists them. `./run.sh` installs the Node.js
// client and runs all tests.
package clients
