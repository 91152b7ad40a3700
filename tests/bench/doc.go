// Command bench measures the local server and compares each figure with its ceiling: a small
// program (package ceiling) that makes the same exchanges and nothing else. Both are measured in
// the same run, in alternating turns.
//
//	go run ./tests/bench                                   # everything, about three minutes
//	go run ./tests/bench -scenario one-task -clients 64    # one scenario
//	go run ./tests/bench -binary bin/millrace -json        # the shipped program, output as JSON
//	go run ./tests/bench -scenario one-task -profile cpu.pb.gz
//
// Server and ceiling run in processes of their own. For both, the clients and the task server run
// in this process. Clients keep their connections open and sign every request (V1).
package main
