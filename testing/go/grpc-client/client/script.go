package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// script is what a call asks the server to do, as JSON in its metadata.
type script struct {
	SleepMS int `json:"sleep_ms"`
	// How it fails, if it is to.
	Code    codes.Code `json:"code"`
	Message string     `json:"message"`
	// Error details: a type and the bytes of a message of it.
	Details map[string][]byte `json:"details"`
	// The response's fields, and the length of one that no message has.
	Response json.RawMessage `json:"response"`
	Bytes    int             `json:"bytes"`
	Header   metadata.MD     `json:"header"`
	Trailer  metadata.MD     `json:"trailer"`
	// A stream's messages; after the first it waits for a call of `release`.
	Messages int  `json:"messages"`
	Gated    bool `json:"gated"`
	// Whether the trailer is to tell what the server saw.
	Report bool `json:"report"`
}

const (
	scriptKey = "x-script"
	release   = "/flex2csi.testing.Server/Release"
	counts    = "/flex2csi.testing.Server/Counts"
	// No message of CSI has a field of this number.
	unknownField = 9999
)

// driver carries scripts out.
type driver struct {
	name                                string
	released                            chan struct{}
	started, ended, cancelled, overtime atomic.Int64
}

// count counts a call, and with the function that it gives, its end.
func (d *driver) count(ctx context.Context) func() {
	if sent, _ := metadata.FromIncomingContext(ctx); len(sent.Get(scriptKey)) == 0 {
		return func() {} // What the endpoint asks of itself.
	}
	d.started.Add(1)
	return func() { d.ended.Add(1) }
}

// counted is how many calls with a script there were, how many have ended, and how many of those
// because their caller gave up or their deadline passed.
func (d *driver) counted() map[string]int64 {
	return map[string]int64{
		"started": d.started.Load(), "ended": d.ended.Load(),
		"cancelled": d.cancelled.Load(), "overtime": d.overtime.Load(),
	}
}

func scriptOf(ctx context.Context) (script script, err error) {
	sent, _ := metadata.FromIncomingContext(ctx)
	for _, text := range sent.Get(scriptKey) {
		if err = json.Unmarshal([]byte(text), &script); err != nil {
			err = status.Errorf(codes.InvalidArgument, "%s: %v", scriptKey, err)
		}
	}
	return
}

// answer answers a unary call.
func (d *driver) answer(ctx context.Context, method *method, request proto.Message) (proto.Message, error) {
	defer d.count(ctx)()
	script, err := d.begin(ctx, request)
	if err != nil {
		return nil, err
	}
	return d.response(script, method)
}

// begin does what comes before the response.
func (d *driver) begin(ctx context.Context, request proto.Message) (*script, error) {
	script, err := scriptOf(ctx)
	if err != nil {
		return nil, err
	}
	trailer := metadata.Join(script.Trailer)
	if script.Report {
		if trailer, err = report(ctx, request, trailer); err != nil {
			return nil, err
		}
	}
	if err := grpc.SetHeader(ctx, script.Header); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, trailer); err != nil {
		return nil, err
	}
	if script.SleepMS > 0 {
		if err := wait(ctx, d, time.After(time.Duration(script.SleepMS)*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	if script.Code != codes.OK {
		state := status.New(script.Code, script.Message).Proto()
		for kind, value := range script.Details {
			state.Details = append(state.Details, &anypb.Any{TypeUrl: kind, Value: value})
		}
		return nil, status.ErrorProto(state)
	}
	return &script, nil
}

// wait waits, unless the call ends first.
func wait[T any](ctx context.Context, d *driver, until <-chan T) error {
	select {
	case <-until:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			d.overtime.Add(1)
		} else {
			d.cancelled.Add(1)
		}
		return status.FromContextError(ctx.Err()).Err()
	}
}

// report adds the request, how long the caller waits, and its metadata to a trailer.
func report(ctx context.Context, request proto.Message, trailer metadata.MD) (metadata.MD, error) {
	bytes, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	trailer.Set("x-request-bin", string(bytes))
	if deadline, ok := ctx.Deadline(); ok {
		trailer.Set("x-deadline-ms", fmt.Sprint(time.Until(deadline).Milliseconds()))
	}
	sent, _ := metadata.FromIncomingContext(ctx)
	for _, key := range []string{"x-plain", "x-raw-bin"} {
		trailer.Append(key, sent.Get(key)...)
	}
	return trailer, nil
}

func (d *driver) response(script *script, method *method) (proto.Message, error) {
	response := method.out.New().Interface()
	if method.path == "/csi.v1.Identity/GetPluginInfo" {
		name := method.out.Descriptor().Fields().ByName("name")
		response.ProtoReflect().Set(name, protoString(d.name))
	}
	if len(script.Response) > 0 {
		if err := protojson.Unmarshal(script.Response, response); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "%s: %v", scriptKey, err)
		}
	}
	pad(response, script.Bytes)
	return response, nil
}

// pad gives a message an unknown field of this length.
func pad(message proto.Message, length int) {
	if length > 0 {
		field := protowire.AppendTag(message.ProtoReflect().GetUnknown(), unknownField, protowire.BytesType)
		message.ProtoReflect().SetUnknown(protowire.AppendBytes(field, make([]byte, length)))
	}
}

// stream answers with as many messages as the script says.
func (d *driver) stream(stream grpc.ServerStream, method *method) error {
	request := method.in.New().Interface()
	if err := stream.RecvMsg(onWire(request)); err != nil {
		return err
	}
	defer d.count(stream.Context())()
	script, err := d.begin(stream.Context(), request)
	if err != nil {
		return err
	}
	response, err := d.response(script, method)
	if err != nil {
		return err
	}
	if method.out.Descriptor().FullName() == emptyName {
		response = request
	}
	for number := range max(script.Messages, 1) {
		if err := stream.SendMsg(onWire(response)); err != nil {
			return err
		}
		if number == 0 && script.Gated {
			if err := wait(stream.Context(), d, d.released); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknown answers RPCs of no known service with their request.
func (d *driver) unknown(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	switch path {
	case counts:
		text, err := json.Marshal(d.counted())
		if err != nil {
			return err
		}
		stream.SetTrailer(metadata.Pairs("x-counts", string(text)))
		return stream.SendMsg(onWire(&emptypb.Empty{}))
	case release:
		d.released <- struct{}{}
		return stream.SendMsg(onWire(&emptypb.Empty{}))
	}
	return d.stream(stream, anyMethod(path))
}
