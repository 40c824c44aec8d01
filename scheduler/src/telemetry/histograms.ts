/**
 * Histograms that a measurement costs next to nothing: an instrument of OpenTelemetry works out a text of the labels each time, 1 µs a
 * request. Exported beside OpenTelemetry's own.
 */

import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { AggregationTemporality, type CollectionResult, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { getOrMake } from "../get-or-make.ts";

export interface HistogramOptions {
  name: string;
  description: string;
  /** Inclusive upper bounds, rising. */
  boundaries: number[];
  /** The one label; none: all values are of one series. */
  label?: string;
}

interface Series {
  counts: number[];
  count: number;
  sum: number;
}

/** OpenTelemetry's ValueType.DOUBLE. */
const DOUBLE = 1;

export class Histogram {
  readonly #options: HistogramOptions;
  readonly #series = new Map<string, Series>();

  constructor(options: HistogramOptions) {
    this.#options = options;
  }

  /** @param of value of the label */
  record(value: number, of = ""): void {
    const { boundaries } = this.#options;
    const series = getOrMake(this.#series, of, () => ({ counts: new Array(boundaries.length + 1).fill(0), count: 0, sum: 0 }));
    let bucket = 0;
    while (bucket < boundaries.length && value > (boundaries[bucket] as number)) bucket++;
    (series.counts[bucket] as number)++;
    series.count++;
    series.sum += value;
  }

  /** Undefined before the first measurement. */
  get data(): MetricData | undefined {
    if (this.#series.size === 0) return undefined;
    const { name, description, boundaries, label } = this.#options;
    return {
      descriptor: { name, description, unit: "", valueType: DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: [...this.#series].map(([of, { counts, count, sum }]) => ({
        startTime: [0, 0],
        endTime: [0, 0],
        attributes: label === undefined ? {} : { [label]: of },
        value: { buckets: { boundaries, counts: [...counts] }, count, sum },
      })),
    };
  }
}

/** What Prometheus asks for: OpenTelemetry's instruments, and these. */
export class MetricsExporter extends PrometheusExporter {
  readonly #histograms: readonly Histogram[];

  constructor(histograms: readonly Histogram[]) {
    super({ preventServerStart: true });
    this.#histograms = histograms;
  }

  override async collect(...options: Parameters<PrometheusExporter["collect"]>): Promise<CollectionResult> {
    const collected = await super.collect(...options);
    const metrics = this.#histograms.flatMap(({ data }) => data ?? []);
    collected.resourceMetrics.scopeMetrics[0]?.metrics.push(...metrics);
    return collected;
  }
}
