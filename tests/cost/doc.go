// Package cost tells what executions cost on AWS, beside what the same flow costs on Step Functions and on CloudFlow,
// and how fast and how large the functions are. Both are tests that print tables: `make cost` and `make bench-aws`.
package cost
