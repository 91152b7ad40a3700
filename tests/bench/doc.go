// Command bench measures the local server, each figure beside its ceiling: a small program (package ceiling) that makes
// the same exchanges and nothing else, measured in the same run, by turns.
//
//	go run ./tests/bench                                   # everything, about three minutes
//	go run ./tests/bench -scenario one-task -clients 64    # one of them
//	go run ./tests/bench -binary bin/millrace -json        # the program that is shipped, for a machine to read
//	go run ./tests/bench -scenario one-task -profile cpu.pb.gz
//
// Server and ceiling run as processes of their own; clients and the server of the tasks run in this one, for both alike.
// Clients keep their connections and sign every request (V1).
package main
