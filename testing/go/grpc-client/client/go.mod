module flex2csi.io/testing/grpc-client/client

go 1.24

// The lowest versions in use: each program raises them to its own.
require (
	github.com/container-storage-interface/spec v1.6.0
	google.golang.org/grpc v1.47.0
	google.golang.org/protobuf v1.28.1
	k8s.io/kubelet v0.25.16
)

require (
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/protobuf v1.5.2 // indirect
	golang.org/x/net v0.17.0 // indirect
	golang.org/x/sys v0.13.0 // indirect
	golang.org/x/text v0.13.0 // indirect
	google.golang.org/genproto v0.0.0-20220502173005-c8bf987b8c21 // indirect
)
