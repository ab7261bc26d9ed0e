package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// answer is all that came back of a call.
type answer struct {
	Code      string            `json:"code"`
	Message   string            `json:"message"`
	Details   []json.RawMessage `json:"details"`
	Responses []json.RawMessage `json:"responses"`
	Header    metadata.MD       `json:"header"`
	Trailer   metadata.MD       `json:"trailer"`
}

// call makes one RPC, unary or with a stream of responses.
func call(ctx context.Context, connection *grpc.ClientConn, method *method, request proto.Message) (*answer, error) {
	answer := &answer{Details: []json.RawMessage{}, Responses: []json.RawMessage{}}
	err := receive(ctx, connection, method, request, answer)
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

func receive(ctx context.Context, connection *grpc.ClientConn, method *method, request proto.Message, into *answer) error {
	// It takes a single response as well.
	description := &grpc.StreamDesc{ServerStreams: true}
	stream, err := connection.NewStream(ctx, description, method.path)
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
	}
}
