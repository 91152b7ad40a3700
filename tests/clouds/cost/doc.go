// Package cost measures what executions cost on both clouds, in comparison with the same flow on
// CloudFlow and on Step Functions, and how fast and how large the functions are. All measurements
// are tests that print tables: `make cost`, `make bench-aws` and `make bench-alibaba`.
package cost
