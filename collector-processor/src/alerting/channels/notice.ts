/** What a notification tells; a webhook gets it as it stands here. Times are RFC 3339. */
export interface Notice {
  /** The same for every attempt: a receiver that has seen it has seen all of it. */
  delivery_id: string;
  occasion: "fired" | "resolved" | "test";
  rule_id: string;
  rule: string;
  alerts: NoticeAlert[];
}

export interface NoticeAlert {
  alert_id: string;
  kind: string;
  subject: string;
  session_id: string | null;
  /** nano-USD where the threshold is in USD */
  value: number;
  threshold: number;
  message: string;
  started_at: string;
  resolved_at: string | null;
}

const HEAD = { fired: "Firing", resolved: "Resolved", test: "Test" } as const;
const MOST_LINES = 20;

/** One line, for a subject or a title. */
export function headline({ occasion, rule, alerts }: Notice): string {
  const more = alerts.length > 1 ? ` (${alerts.length} alerts)` : "";
  return `[Signalbox] ${HEAD[occasion]}: ${rule}${more}`;
}

/** Plain text. */
export function text(notice: Notice): string {
  const lines = notice.alerts.slice(0, MOST_LINES).map(({ message }) => `• ${message}`);
  const left = notice.alerts.length - MOST_LINES;
  if (left > 0) lines.push(`and ${left} more`);
  return [headline(notice), ...lines].join("\n");
}
