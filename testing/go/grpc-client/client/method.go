package client

import (
	"fmt"
	"strings"

	// Its messages and services, found by name.
	_ "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/runtime/protoimpl"
	"google.golang.org/protobuf/types/known/emptypb"
)

// method is an RPC as its descriptor has it.
type method struct {
	path string
	in   protoreflect.MessageType
	out  protoreflect.MessageType
}

// methodOf finds the RPC of a path such as /csi.v1.Identity/Probe.
func methodOf(path string) (*method, error) {
	name := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("no RPC %q: %w", path, err)
	}
	descriptor, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("%q is no RPC", path)
	}
	in, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.Input().FullName())
	if err != nil {
		return nil, err
	}
	out, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.Output().FullName())
	if err != nil {
		return nil, err
	}
	return &method{path: path, in: in, out: out}, nil
}

// anyMethod is an RPC of which only the path is known: its messages are all
// unknown fields.
func anyMethod(path string) *method {
	empty := (&emptypb.Empty{}).ProtoReflect().Type()
	return &method{path: path, in: empty, out: empty}
}

const emptyName = "google.protobuf.Empty"

func protoString(text string) protoreflect.Value { return protoreflect.ValueOfString(text) }

func (m *method) request(text string) (proto.Message, error) {
	request := m.in.New().Interface()
	if err := protojson.Unmarshal([]byte(text), request); err != nil {
		return nil, fmt.Errorf("-request: %w", err)
	}
	return request, nil
}

// onWire is the form of a message that grpc-go of every age encodes.
func onWire(message proto.Message) any {
	return protoimpl.X.ProtoMessageV1Of(message)
}
