// The client with grpc-go 1.47.
package main

import "flex2csi.io/testing/grpc-client/client"

func main() { client.Main() }
