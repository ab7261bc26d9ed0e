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
       %[1]s bench -socket PATH -method PATH [-dial FORM] [-request JSON] [-calls N] [-concurrency C] [-keys K]

register  registers a plugin as kubelet does; prints what the plugin says of itself
call      makes one RPC; prints code, message, responses, header and trailer
bench     makes N calls on one connection, C at a time; prints what they took

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
	flags.Var(&sent, "metadata", "call: metadata to send")
	flags.IntVar(&load.calls, "calls", 1000, "bench: how many calls")
	flags.IntVar(&load.concurrency, "concurrency", 1, "bench: how many at a time")
	flags.IntVar(&load.keys, "keys", 0, "bench: metadata keys that the calls take turns with")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
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
		return nil, err
	}
	message, err := method.request(*request)
	if err != nil {
		return nil, err
	}
	switch verb {
	case "call":
		return call(metadata.AppendToOutgoingContext(ctx, sent...), connection, method, message)
	case "bench":
		return bench(ctx, connection, method, message, load), nil
	}
	return nil, fmt.Errorf("unknown verb %q: register, call or bench", verb)
}
