// The OTLP receiver of the OpenTelemetry Collector, for tests.
//
// Prints the address that it listens on (HTTP), then one line of OTLP JSON for every request that it
// accepted. Ends when its standard input does.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func main() {
	// A port of the system's choice: the receiver does not tell which one it got, so it is asked
	// for here and given back.
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	address := probe.Addr().String()
	check(probe.Close())

	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	check(confmap.NewFromStringMap(map[string]any{
		"protocols": map[string]any{"http": map[string]any{"endpoint": address}},
	}).Unmarshal(config))

	marshaler := ptrace.JSONMarshaler{}
	sink, err := consumer.NewTraces(func(_ context.Context, traces ptrace.Traces) error {
		line, err := marshaler.MarshalTraces(traces)
		if err == nil {
			_, err = fmt.Printf("%s\n", line)
		}
		return err
	})
	check(err)

	receiver, err := factory.CreateTraces(
		context.Background(),
		receivertest.NewNopSettings(component.MustNewType("otlp")),
		config,
		sink,
	)
	check(err)
	check(receiver.Start(context.Background(), componenttest.NewNopHost()))
	fmt.Println(address)

	_, _ = io.Copy(io.Discard, os.Stdin)
	check(receiver.Shutdown(context.Background()))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
