module flex2csi.io/testing/grpc-client/1.47

go 1.24

require flex2csi.io/testing/grpc-client/client v0.0.0

require (
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/protobuf v1.5.2 // indirect
	golang.org/x/net v0.17.0 // indirect
	golang.org/x/sys v0.13.0 // indirect
	golang.org/x/text v0.13.0 // indirect
	google.golang.org/genproto v0.0.0-20220502173005-c8bf987b8c21 // indirect
	google.golang.org/protobuf v1.28.1 // indirect
)

// What kubelet 1.25 is built with.
require (
	github.com/container-storage-interface/spec v1.6.0 // indirect
	google.golang.org/grpc v1.47.0 // indirect
	k8s.io/kubelet v0.25.16 // indirect
)

replace flex2csi.io/testing/grpc-client/client => ../client
