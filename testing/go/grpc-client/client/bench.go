package client

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// load is what a benchmark does: unary calls on one connection.
type load struct {
	calls       int
	concurrency int
	keys        int           // how many metadata keys the calls take turns with
	duration    time.Duration // after this no call begins; 0 for as long as it takes
}

// figures are what a benchmark measured.
type figures struct {
	Calls      int    `json:"calls"`
	Failed     int64  `json:"failed"`
	FirstError string `json:"first_error,omitempty"`
	// How many calls ended with each code.
	Codes   map[string]int `json:"codes"`
	Seconds float64        `json:"seconds"`
	// Microseconds that a call took.
	P50 float64 `json:"p50_us"`
	P90 float64 `json:"p90_us"`
	P99 float64 `json:"p99_us"`
	Max float64 `json:"max_us"`
}

func bench(ctx context.Context, connection *grpc.ClientConn, method *method, request proto.Message, load load) figures {
	took := make([]time.Duration, load.calls)
	ended := make([]codes.Code, load.calls)
	var next, made, failed atomic.Int64
	var first sync.Once
	var firstError string
	var workers sync.WaitGroup
	start := time.Now()
	for range load.concurrency {
		workers.Add(1)
		go func() {
			defer workers.Done()
			response := method.out.New().Interface()
			for {
				number := int(next.Add(1)) - 1
				if number >= load.calls || load.duration > 0 && time.Since(start) > load.duration {
					return
				}
				made.Add(1)
				ctx := ctx
				if load.keys > 0 {
					key := fmt.Sprintf("x-key-%d", number%load.keys)
					ctx = metadata.AppendToOutgoingContext(ctx, key, fmt.Sprintf("value %d", number))
				}
				began := time.Now()
				err := connection.Invoke(ctx, method.path, onWire(request), onWire(response))
				took[number], ended[number] = time.Since(began), status.Code(err)
				if err != nil {
					failed.Add(1)
					first.Do(func() { firstError = err.Error() })
				}
			}
		}()
	}
	workers.Wait()
	// Numbers are given out one by one, and each worker's last is not used.
	took, ended = took[:made.Load()], ended[:made.Load()]
	figures := figures{
		Calls: len(took), Codes: map[string]int{}, Failed: failed.Load(), FirstError: firstError, Seconds: time.Since(start).Seconds(),
	}
	for _, code := range ended {
		figures.Codes[code.String()]++
	}
	slices.Sort(took)
	figures.P50 = percentile(took, 50)
	figures.P90 = percentile(took, 90)
	figures.P99 = percentile(took, 99)
	figures.Max = percentile(took, 100)
	return figures
}

func percentile(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)-1)*percent/100].Nanoseconds()) / 1000
}
