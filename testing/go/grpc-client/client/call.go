package client

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// answer is all that came back of a call.
type answer struct {
	Code      string            `json:"code"`
	Message   string            `json:"message"`
	Details   []json.RawMessage `json:"details"`
	Responses []json.RawMessage `json:"responses"`
	Header    metadata.MD       `json:"header"`
	Trailer   metadata.MD       `json:"trailer"`
	// What each response is on the wire.
	Wire []wire `json:"wire"`
}

type wire struct {
	Length int    `json:"length"`
	SHA256 string `json:"sha256"`
}

// manner is how a call is made.
type manner struct {
	gzip        bool
	limit       int    // of a response (bytes)
	pad         int    // the length of an unknown field in the request
	cancelAfter int    // gives up after so many responses
	release     string // after the first response, asks the server at this socket to go on
}

func (m manner) options() []grpc.CallOption {
	options := []grpc.CallOption{grpc.MaxCallRecvMsgSize(m.limit), grpc.MaxCallSendMsgSize(math.MaxInt32)}
	if m.gzip {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	return options
}

// call makes one RPC, unary or with a stream of responses.
func call(ctx context.Context, connection *grpc.ClientConn, method *method, request proto.Message, manner manner) (*answer, error) {
	answer := &answer{Details: []json.RawMessage{}, Responses: []json.RawMessage{}, Wire: []wire{}}
	err := receive(ctx, connection, method, request, manner, answer)
	state := status.Convert(err)
	answer.Code, answer.Message = state.Code().String(), state.Message()
	for _, detail := range state.Proto().GetDetails() {
		// A detail of an unknown type has no JSON form: its bytes do.
		text, err := json.Marshal(map[string]any{"type": detail.GetTypeUrl(), "value": detail.GetValue()})
		if err != nil {
			return nil, err
		}
		answer.Details = append(answer.Details, text)
	}
	return answer, nil
}

func receive(ctx context.Context, connection *grpc.ClientConn, method *method, request proto.Message, manner manner, into *answer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pad(request, manner.pad)
	// It takes a single response as well.
	description := &grpc.StreamDesc{ServerStreams: true}
	stream, err := connection.NewStream(ctx, description, method.path, manner.options()...)
	if err != nil {
		return err
	}
	defer func() { into.Trailer = stream.Trailer() }()
	// io.EOF: the call has ended already, and RecvMsg says how.
	if err := stream.SendMsg(onWire(request)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if into.Header, err = stream.Header(); err != nil {
		return err
	}
	for {
		response := method.out.New().Interface()
		if err := stream.RecvMsg(onWire(response)); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		text, err := protojson.Marshal(response)
		if err != nil {
			return err
		}
		into.Responses = append(into.Responses, text)
		bytes, err := proto.Marshal(response)
		if err != nil {
			return err
		}
		into.Wire = append(into.Wire, wire{len(bytes), fmt.Sprintf("%x", sha256.Sum256(bytes))})
		if len(into.Responses) == 1 && manner.release != "" {
			if err := tell(ctx, manner.release, release); err != nil {
				return err
			}
		}
		if len(into.Responses) == manner.cancelAfter {
			cancel()
		}
	}
}

// tell makes a call without a request over a connection of its own.
func tell(ctx context.Context, socket, path string) error {
	connection, err := dial(ctx, Localhost, socket)
	if err != nil {
		return err
	}
	defer connection.Close()
	empty := &emptypb.Empty{}
	return connection.Invoke(ctx, path, onWire(empty), onWire(empty))
}
