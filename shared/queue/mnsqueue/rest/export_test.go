package rest

// What the tests hold against recorded vectors.
var (
	Signature = signature
	Digest    = digest
	Decode    = decode
)
