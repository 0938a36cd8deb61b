module jaeger-like/otlp-receiver

go 1.26.8
