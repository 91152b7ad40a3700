// Tidy it with `go mod tidy -e`: the emulators' own tests, which are not run here, need another version of the SDK.
module millrace/tests/clouds/emulators/crosscheck

go 1.26

require (
	github.com/aliyun/alibabacloud-oss-go-sdk-v2 v1.6.1
	github.com/aliyun/aliyun-tablestore-go-sdk v4.1.3+incompatible
	millrace/tests/clouds/emulators v0.0.0
)

require (
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/kr/pretty v0.3.1 // indirect
	github.com/rogpeppe/go-internal v1.13.1 // indirect
	golang.org/x/time v0.12.0 // indirect
	google.golang.org/protobuf v1.33.0 // indirect
	gopkg.in/check.v1 v1.0.0-20201130134442-10cb98267c6c // indirect
)

replace millrace/tests/clouds/emulators => ..
