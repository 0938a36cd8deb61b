package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/opentracing/opentracing-go"
	"github.com/uber/jaeger-client-go"
	"github.com/uber/jaeger-client-go/zipkin"
)

var (
	tracersLock sync.Mutex
	tracers     = map[string]opentracing.Tracer{}
	closers     []io.Closer
)

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func newSender() (jaeger.Transport, error) {
	agent := environment("JAEGER_AGENT_HOST", "localhost") + ":" + environment("JAEGER_AGENT_PORT", "6831")
	return jaeger.NewUDPTransport(agent, 0)
}

// tracerFor returns the one tracer of a propagation format ("" is "jaeger") and a width of trace ids.
func tracerFor(propagation string, bits int) (opentracing.Tracer, error) {
	tracersLock.Lock()
	defer tracersLock.Unlock()
	name := fmt.Sprintf("%s/%d", propagation, bits)
	if tracer := tracers[name]; tracer != nil {
		return tracer, nil
	}
	options := []jaeger.TracerOption{
		jaeger.TracerOptions.Gen128Bit(bits == 128),
		jaeger.TracerOptions.Tag("team", "blue"),
		jaeger.TracerOptions.Tag("shard", 7),
		jaeger.TracerOptions.Tag("spot", true),
		jaeger.TracerOptions.Tag("load", 0.5),
		// Longer than the default of 256, which is shorter than the other clients'.
		jaeger.TracerOptions.MaxTagValueLength(1024),
	}
	switch strings.ToLower(propagation) {
	case "", "jaeger":
	case "b3":
		codec := zipkin.NewZipkinB3HTTPHeaderPropagator()
		options = append(options,
			jaeger.TracerOptions.Injector(opentracing.HTTPHeaders, codec),
			jaeger.TracerOptions.Extractor(opentracing.HTTPHeaders, codec),
			jaeger.TracerOptions.ZipkinSharedRPCSpan(false))
	default:
		return nil, fmt.Errorf("this client has no propagation %q", propagation)
	}
	sender, err := newSender()
	if err != nil {
		return nil, err
	}
	reporter := jaeger.NewRemoteReporter(sender,
		jaeger.ReporterOptions.QueueSize(100000),
		jaeger.ReporterOptions.BufferFlushInterval(200*time.Millisecond))
	tracer, closer := jaeger.NewTracer(
		environment("JAEGER_SERVICE_NAME", "crossdock-go"),
		jaeger.NewConstSampler(true), reporter, options...)
	tracers[name] = tracer
	closers = append(closers, closer)
	return tracer, nil
}

// closeTracers sends what is waiting.
func closeTracers() {
	tracersLock.Lock()
	defer tracersLock.Unlock()
	for _, closer := range closers {
		closer.Close()
	}
}
