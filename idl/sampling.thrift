/*
 * Which traces a service should sample. Clients ask for it over HTTP and get these structs as JSON.
 */
namespace py sampling

enum SamplingStrategyType {
  PROBABILISTIC = 0
  RATE_LIMITING = 1
}

/* Each trace with the same probability, decided by its id. */
struct ProbabilisticSamplingStrategy {
  /* 0.0 to 1.0 */
  1: required double samplingRate
}

/* So many traces per second and no more. */
struct RateLimitingSamplingStrategy {
  1: required i16 maxTracesPerSecond
}

struct OperationSamplingStrategy {
  1: required string operation
  2: required ProbabilisticSamplingStrategy probabilisticSampling
}

/* A probability for each operation, with defaults for those that are not listed. */
struct PerOperationSamplingStrategies {
  1: required double defaultSamplingProbability
  2: required double defaultLowerBoundTracesPerSecond
  3: required list<OperationSamplingStrategy> perOperationStrategies
  4: optional double defaultUpperBoundTracesPerSecond
}

struct SamplingStrategyResponse {
  1: required SamplingStrategyType strategyType
  2: optional ProbabilisticSamplingStrategy probabilisticSampling
  3: optional RateLimitingSamplingStrategy rateLimitingSampling
  /* wins over the other two when it is present */
  4: optional PerOperationSamplingStrategies operationSampling
}

service SamplingManager {
  SamplingStrategyResponse getSamplingStrategy(1: string serviceName)
}
