package client

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// serving is what can be otherwise about a server.
type serving struct {
	name       string
	streams    uint
	age, grace time.Duration
}

// serve is a CSI driver that does what each call's script asks for, until SIGTERM.
// What grpc-go lets its servers do by default, it does: it refuses who pings too often.
func serve(socket string, serving serving) (any, error) {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	driver := &driver{name: serving.name, released: make(chan struct{}, 1)}
	options := []grpc.ServerOption{grpc.UnknownServiceHandler(driver.unknown)}
	if serving.streams > 0 {
		options = append(options, grpc.MaxConcurrentStreams(uint32(serving.streams)))
	}
	if serving.age > 0 {
		options = append(options, grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: serving.age, MaxConnectionAgeGrace: serving.grace,
		}))
	}
	server := grpc.NewServer(options...)
	protoregistry.GlobalFiles.RangeFilesByPackage("csi.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			server.RegisterService(driver.service(file.Services().Get(i)), nil)
		}
		return true
	})
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		server.GracefulStop()
	}()
	if err := server.Serve(listener); err != nil {
		return nil, err
	}
	return driver.counted(), nil
}

// service is a CSI service as generated code describes it.
func (d *driver) service(of protoreflect.ServiceDescriptor) *grpc.ServiceDesc {
	service := &grpc.ServiceDesc{ServiceName: string(of.FullName())}
	for i := range of.Methods().Len() {
		name := string(of.Methods().Get(i).Name())
		method, err := methodOf(fmt.Sprintf("/%s/%s", of.FullName(), name))
		if err != nil {
			panic(err) // What is registered is found.
		}
		if of.Methods().Get(i).IsStreamingServer() {
			service.Streams = append(service.Streams, grpc.StreamDesc{
				StreamName: name, ServerStreams: true,
				Handler: func(_ any, stream grpc.ServerStream) error { return d.stream(stream, method) },
			})
			continue
		}
		service.Methods = append(service.Methods, grpc.MethodDesc{
			MethodName: name,
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				request := method.in.New().Interface()
				if err := decode(onWire(request)); err != nil {
					return nil, err
				}
				response, err := d.answer(ctx, method, request)
				if err != nil {
					return nil, err
				}
				return onWire(response), nil
			},
		})
	}
	return service
}
