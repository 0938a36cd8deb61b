// Crossdock peer: the official Jaeger client for Go behind the interoperability protocol.
//
// It listens on 127.0.0.1, on a port that the system chooses, prints "PORT n" and serves until its
// standard input closes or it gets SIGTERM. Spans go to JAEGER_AGENT_HOST:JAEGER_AGENT_PORT. The
// questions and answers are described in crossdock/README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/ext"
	"github.com/uber/jaeger-client-go"
)

const baggageKey = "crossdock-baggage-key"

type question struct {
	ServerRole  string                 `json:"serverRole"`
	Sampled     bool                   `json:"sampled"`
	Baggage     string                 `json:"baggage"`
	Downstream  *downstream            `json:"downstream"`
	Mode        string                 `json:"mode"`
	Propagation string                 `json:"propagation"`
	TraceIDBits int                    `json:"traceIdBits"`
	Operation   string                 `json:"operation"`
	Count       int                    `json:"count"`
	Tags        map[string]interface{} `json:"tags"`
	Spans       []wireSpan             `json:"spans"`
}

type downstream struct {
	ServiceName string      `json:"serviceName"`
	ServerRole  string      `json:"serverRole"`
	Host        string      `json:"host"`
	Port        string      `json:"port"`
	Transport   string      `json:"transport"`
	Downstream  *downstream `json:"downstream"`
}

type seen struct {
	TraceID  string `json:"traceId"`
	SpanID   string `json:"spanId"`
	ParentID string `json:"parentId"`
	Sampled  bool   `json:"sampled"`
	Debug    bool   `json:"debug"`
	Baggage  string `json:"baggage"`
}

type answer struct {
	Span                seen            `json:"span"`
	Call                *seen           `json:"call,omitempty"`
	Downstream          json.RawMessage `json:"downstream,omitempty"`
	NotImplementedError string          `json:"notImplementedError"`
}

func describe(span opentracing.Span) seen {
	context := span.Context().(jaeger.SpanContext)
	return seen{
		TraceID:  context.TraceID().String(),
		SpanID:   context.SpanID().String(),
		ParentID: context.ParentID().String(),
		Sampled:  context.IsSampled(),
		Debug:    context.IsDebug(),
		Baggage:  span.BaggageItem(baggageKey),
	}
}

// answerWithin asks the next server, if there is one, within the span, and describes both.
func answerWithin(tracer opentracing.Tracer, span opentracing.Span, asked question) (answer, error) {
	given := answer{Span: describe(span)}
	next := asked.Downstream
	if next == nil {
		return given, nil
	}
	if next.Transport != "" && next.Transport != "HTTP" {
		given.NotImplementedError = "transport " + next.Transport + " is not implemented, only HTTP"
		return given, nil
	}
	body, err := json.Marshal(map[string]interface{}{
		"serverRole":  next.ServerRole,
		"downstream":  next.Downstream,
		"propagation": asked.Propagation,
	})
	if err != nil {
		return given, err
	}
	url := "http://" + net.JoinHostPort(next.Host, next.Port) + "/join_trace"
	request, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		return given, err
	}
	request.Header.Set("Content-Type", "application/json")
	call := tracer.StartSpan(
		"call-downstream", opentracing.ChildOf(span.Context()), ext.SpanKindRPCClient)
	defer call.Finish()
	carrier := opentracing.HTTPHeadersCarrier(request.Header)
	if err := tracer.Inject(call.Context(), opentracing.HTTPHeaders, carrier); err != nil {
		return given, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return given, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return given, err
	}
	if response.StatusCode != http.StatusOK {
		return given, fmt.Errorf("%s: %s: %s", url, response.Status, text)
	}
	described := describe(call)
	given.Call, given.Downstream = &described, text
	return given, nil
}

func startTrace(asked question, header http.Header) (interface{}, error) {
	tracer, err := tracerFor(asked.Propagation, asked.TraceIDBits)
	if err != nil {
		return nil, err
	}
	var options []opentracing.StartSpanOption
	if header.Get(jaeger.JaegerDebugHeader) != "" {
		carrier := opentracing.HTTPHeadersCarrier(header)
		context, err := tracer.Extract(opentracing.HTTPHeaders, carrier)
		if err != nil {
			return nil, err
		}
		options = append(options, opentracing.ChildOf(context))
	}
	span := tracer.StartSpan(asked.ServerRole, options...)
	defer span.Finish()
	if asked.Mode != "sampler" {
		priority := uint16(0)
		if asked.Sampled {
			priority = 1
		}
		ext.SamplingPriority.Set(span, priority)
	}
	span.SetBaggageItem(baggageKey, asked.Baggage)
	return answerWithin(tracer, span, asked)
}

func joinTrace(asked question, header http.Header) (interface{}, error) {
	tracer, err := tracerFor(asked.Propagation, 64)
	if err != nil {
		return nil, err
	}
	context, err := tracer.Extract(opentracing.HTTPHeaders, opentracing.HTTPHeadersCarrier(header))
	if err != nil {
		return nil, err
	}
	span := tracer.StartSpan(
		asked.ServerRole, opentracing.ChildOf(context), ext.SpanKindRPCServer)
	defer span.Finish()
	return answerWithin(tracer, span, asked)
}

func createTraces(asked question, _ http.Header) (interface{}, error) {
	tracer, err := tracerFor(asked.Propagation, asked.TraceIDBits)
	if err != nil {
		return nil, err
	}
	for made := 0; made < asked.Count; made++ {
		span := tracer.StartSpan(asked.Operation)
		for key, value := range asked.Tags {
			span.SetTag(key, value)
		}
		span.Finish()
	}
	return map[string]int{"created": asked.Count}, nil
}

// handle reads a question, and writes what the function answers, as JSON.
func handle(answerTo func(question, http.Header) (interface{}, error)) http.HandlerFunc {
	return func(writer http.ResponseWriter, request *http.Request) {
		asked := question{Count: 1}
		if err := json.NewDecoder(request.Body).Decode(&asked); err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		given, err := answerTo(asked, request.Header)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		writer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(writer).Encode(given)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/start_trace", handle(startTrace))
	http.HandleFunc("/join_trace", handle(joinTrace))
	http.HandleFunc("/create_traces", handle(createTraces))
	http.HandleFunc("/emit_spans", handle(emitSpans))
	http.HandleFunc("/", func(writer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(writer, `{"status": "ok"}`)
	})
	go http.Serve(listener, nil)
	fmt.Printf("PORT %d\n", listener.Addr().(*net.TCPAddr).Port)

	var once sync.Once
	done := make(chan struct{})
	end := func() { once.Do(func() { close(done) }) }
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-signals; end() }()
	go func() { io.Copy(io.Discard, os.Stdin); end() }()
	<-done
	closeTracers()
}
