// Package client is a grpc-go client of plugin sockets, for any grpc-go that
// kubelet was ever built with.
package client

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"
)

const usage = `Usage: %[1]s register -socket PATH [-refuse TEXT]
       %[1]s call  -socket PATH -method PATH [-dial FORM] [-request JSON] [-metadata KEY=VALUE]…
             [-gzip] [-limit BYTES] [-pad BYTES] [-cancel-after N] [-release PATH]
       %[1]s bench -socket PATH -method PATH [-dial FORM] [-request JSON] [-calls N] [-concurrency C] [-keys K]
             [-metadata KEY=VALUE]… [-duration D]
       %[1]s serve -socket PATH -name NAME [-streams N] [-age D] [-grace D]

register  registers a plugin as kubelet does; prints what the plugin says of itself
call      makes one RPC; prints code, message, responses, header and trailer
bench     makes N calls on one connection, C at a time; prints what they took
serve     is a CSI driver that does what the x-script of each call says (script.go)

FORM is path (default), localhost or unix. All output is one JSON object.

`

// pairs are metadata given as KEY=VALUE, any number of times.
type pairs []string

func (p *pairs) String() string { return strings.Join(*p, " ") }

func (p *pairs) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("%q is not KEY=VALUE", text)
	}
	*p = append(*p, key, value)
	return nil
}

// Main runs the program.
func Main() {
	if len(os.Args) < 2 {
		fmt.Fprintf(os.Stderr, usage, os.Args[0])
		os.Exit(2)
	}
	output, err := run(os.Args[1], os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(output)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(verb string, arguments []string) (any, error) {
	flags := flag.NewFlagSet(verb, flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, usage, os.Args[0])
		flags.PrintDefaults()
	}
	var sent pairs
	var load load
	socket := flags.String("socket", "", "the socket's path")
	form := flags.String("dial", string(Path), "how the socket is named")
	path := flags.String("method", "", "the RPC, as in /csi.v1.Identity/Probe")
	request := flags.String("request", "{}", "the request as JSON")
	refusal := flags.String("refuse", "", "register: refuse the plugin with this error")
	timeout := flags.Duration("timeout", time.Minute, "how long all of it may take")
	flags.Var(&sent, "metadata", "call, bench: metadata to send")
	flags.IntVar(&load.calls, "calls", 1000, "bench: how many calls")
	flags.IntVar(&load.concurrency, "concurrency", 1, "bench: how many at a time")
	flags.IntVar(&load.keys, "keys", 0, "bench: metadata keys that the calls take turns with")
	flags.DurationVar(&load.duration, "duration", 0, "bench: begin no call after this")
	var manner manner
	flags.BoolVar(&manner.gzip, "gzip", false, "call: compress the request")
	flags.IntVar(&manner.limit, "limit", 4<<20, "call: the longest response to take (bytes)")
	flags.IntVar(&manner.pad, "pad", 0, "call: the length of an unknown field to send (bytes)")
	flags.IntVar(&manner.cancelAfter, "cancel-after", 0, "call: give up after so many responses")
	flags.StringVar(&manner.release, "release", "", "call: after the first response, let the server at this socket go on")
	var serving serving
	flags.StringVar(&serving.name, "name", "", "serve: the driver's name")
	flags.UintVar(&serving.streams, "streams", 0, "serve: calls at once on a connection")
	flags.DurationVar(&serving.age, "age", 0, "serve: end connections after this")
	flags.DurationVar(&serving.grace, "grace", 0, "serve: and their calls this much later")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if verb == "serve" {
		return serve(*socket, serving)
	}

	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	connection, err := dial(ctx, Form(*form), *socket)
	if err != nil {
		return nil, fmt.Errorf("cannot dial %s: %w", *socket, err)
	}
	defer connection.Close()
	if verb == "register" {
		return register(ctx, connection, *refusal)
	}

	method, err := methodOf(*path)
	if err != nil {
		method = anyMethod(*path)
	}
	message, err := method.request(*request)
	if err != nil {
		return nil, err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, sent...)
	switch verb {
	case "call":
		return call(ctx, connection, method, message, manner)
	case "bench":
		return bench(ctx, connection, method, message, load), nil
	}
	return nil, fmt.Errorf("unknown verb %q: register, call or bench", verb)
}
