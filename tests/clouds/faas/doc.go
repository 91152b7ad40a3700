// Package faas has the tests of shared/faas on the emulator of Function Compute: one program, the
// probe, gets requests, events and messages in both runtimes, and does the same with them.
package faas
