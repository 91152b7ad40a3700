package mns

// Functions that the tests compare with recorded vectors.
var (
	Signature = signature
	Digest    = digest
	Decode    = decode
)
