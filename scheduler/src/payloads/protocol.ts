/** What the scheduler and the thread that sends bodies of calls say to each other. */

export interface PayloadWorkerOptions {
  /** Base URL of an OTLP/HTTP receiver. */
  endpoint: string;
  /** Its key, where it asks for one. */
  token: string | undefined;
}

export interface PayloadMeta {
  traceId: string;
  /** Of the attempt. */
  spanId: string;
  direction: "sent" | "received";
  session: string;
  project: string | undefined;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** That went over the wire; what is kept may be less. */
  bytes: number;
}

export interface PayloadBatch {
  /** The bodies one after the other. */
  bytes: ArrayBuffer;
  bodies: (PayloadMeta & { length: number })[];
}

export interface PayloadReceipt {
  bytes: number;
  bodies: number;
  isSent: boolean;
  reason?: string;
}
