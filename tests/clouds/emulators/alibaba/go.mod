module millrace/tests/clouds/emulators/alibaba

go 1.26

require (
	github.com/aliyun/aliyun-tablestore-go-sdk v1.8.0
	google.golang.org/protobuf v1.33.0
)

require (
	github.com/golang/protobuf v1.5.0 // indirect
	github.com/google/flatbuffers v23.5.26+incompatible // indirect
	github.com/hashicorp/golang-lru v0.5.4 // indirect
)
