// Package cost tells what executions cost on both clouds, beside what the same flow costs on CloudFlow and on Step Functions,
// and how fast and how large the functions are. All are tests that print tables: `make cost`, `make bench-aws` and
// `make bench-alibaba`.
package cost
