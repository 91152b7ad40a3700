// Package crosscheck cross-checks the emulators with official clients that the product does not
// use: the TableStore SDK v4.1.3 (the product has v1.8.0, and a module can have only one of them)
// and the OSS SDK. run.sh runs it. The other cross-checks are the SDK v1.8.0 in
// alibaba/tablestore and the npm client in alibaba/mns.
package crosscheck
