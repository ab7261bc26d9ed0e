package client

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Form is how a client names the socket; grpc-go makes `:authority` of it.
type Form string

const (
	// Path is the bare path: kubelet on registration sockets, and on CSI
	// sockets up to 1.25.
	Path Form = "path"
	// Localhost is the bare path with an authority: kubelet on CSI sockets
	// from 1.26 on.
	Localhost Form = "localhost"
	// Unix is a unix:// target: sidecars and csi-sanity.
	Unix Form = "unix"
)

func dial(ctx context.Context, form Form, socket string) (*grpc.ClientConn, error) {
	target := socket
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithBlock(),
		// So that it says why it cannot connect, and at once.
		grpc.FailOnNonTempDialError(true),
		grpc.WithReturnConnectionError(),
	}
	switch form {
	case Path:
		options = append(options, grpc.WithContextDialer(dialUnix))
	case Localhost:
		options = append(options, grpc.WithContextDialer(dialUnix), grpc.WithAuthority("localhost"))
	case Unix:
		target = "unix://" + socket
	default:
		return nil, fmt.Errorf("unknown -dial %q: path, localhost or unix", form)
	}
	return grpc.DialContext(ctx, target, options...)
}

func dialUnix(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "unix", address)
}
