package main

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/ext"
	"github.com/opentracing/opentracing-go/log"
)

// wireSpan says how a span is to be made; times are microseconds since 1970, values are text.
type wireSpan struct {
	Operation  string      `json:"operation"`
	Start      int64       `json:"start"`
	Duration   int64       `json:"duration"`
	Debug      bool        `json:"debug"`
	References []wireRef   `json:"references"`
	Tags       []wireValue `json:"tags"`
	Logs       []wireLog   `json:"logs"`
}

type wireRef struct {
	Type string `json:"type"`
	Span int    `json:"span"`
}

type wireLog struct {
	Timestamp int64       `json:"timestamp"`
	Fields    []wireValue `json:"fields"`
}

type wireValue struct {
	Key   string `json:"key"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

func instant(microseconds int64) time.Time { return time.UnixMicro(microseconds) }

func (value wireValue) parse() (interface{}, error) {
	switch value.Type {
	case "string":
		return value.Value, nil
	case "bool":
		return value.Value == "true", nil
	case "long":
		return strconv.ParseInt(value.Value, 10, 64)
	case "double":
		return strconv.ParseFloat(value.Value, 64)
	case "binary":
		return hex.DecodeString(value.Value)
	}
	return nil, fmt.Errorf("unknown type %q", value.Type)
}

func (value wireValue) field() (log.Field, error) {
	parsed, err := value.parse()
	switch typed := parsed.(type) {
	case string:
		return log.String(value.Key, typed), err
	case bool:
		return log.Bool(value.Key, typed), err
	case int64:
		return log.Int64(value.Key, typed), err
	case float64:
		return log.Float64(value.Key, typed), err
	}
	return log.Object(value.Key, parsed), err
}

// emitSpans makes the spans that the question lists, in its order.
func emitSpans(asked question, _ http.Header) (interface{}, error) {
	tracer, err := tracerFor("", asked.TraceIDBits)
	if err != nil {
		return nil, err
	}
	var made []opentracing.Span
	for _, wanted := range asked.Spans {
		options := []opentracing.StartSpanOption{opentracing.StartTime(instant(wanted.Start))}
		for _, reference := range wanted.References {
			context := made[reference.Span].Context()
			if reference.Type == "follows_from" {
				options = append(options, opentracing.FollowsFrom(context))
			} else {
				options = append(options, opentracing.ChildOf(context))
			}
		}
		span := tracer.StartSpan(wanted.Operation, options...)
		if wanted.Debug {
			ext.SamplingPriority.Set(span, 1)
		}
		for _, tag := range wanted.Tags {
			value, err := tag.parse()
			if err != nil {
				return nil, err
			}
			span.SetTag(tag.Key, value)
		}
		made = append(made, span)
	}
	for number, wanted := range asked.Spans {
		end := opentracing.FinishOptions{FinishTime: instant(wanted.Start + wanted.Duration)}
		for _, entry := range wanted.Logs {
			record := opentracing.LogRecord{Timestamp: instant(entry.Timestamp)}
			for _, item := range entry.Fields {
				field, err := item.field()
				if err != nil {
					return nil, err
				}
				record.Fields = append(record.Fields, field)
			}
			end.LogRecords = append(end.LogRecords, record)
		}
		made[number].FinishWithOptions(end)
	}
	return map[string]int{"emitted": len(made)}, nil
}
