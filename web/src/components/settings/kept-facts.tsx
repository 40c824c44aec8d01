import type { Settings } from "../../api/settings.ts";

/** What is stored of calls and where it goes; all of it is set in the config file, which is named beside it. */
export function KeptFacts({ settings }: { settings: Settings }) {
  const facts: readonly (readonly [string, string, string])[] = [
    [
      "Prompts and results",
      settings.keeps_content ? "stored on this machine, secrets redacted" : "not stored: numbers and names alone",
      "collector: { content: true | false }",
    ],
    ["Bodies of routed calls", "stored where the gateway sends them, secrets redacted", "content: { raw: on | off }"],
    [
      "What leaves this machine",
      settings.destinations.length === 0
        ? "nothing"
        : `traces to ${settings.destinations.map(({ name, content }) => (content ? `${name} (with content)` : name)).join(", ")}`,
      "fan_out",
    ],
    [
      "What is too old",
      settings.retention.archives_spans
        ? "deleted once a day; spans are written to the archive first"
        : "deleted once a day, without an archive",
      "collector: { retention, payload_days }",
    ],
  ];
  return (
    <dl className="border-line border-t">
      {facts.map(([name, value, where]) => (
        <div
          key={name}
          className="grid gap-x-4 border-line border-b px-4 py-2.5 last:border-b-0 md:grid-cols-[200px_minmax(0,1fr)_minmax(0,320px)]"
        >
          <dt className="font-medium">{name}</dt>
          <dd className="text-ink-2">{value}</dd>
          <dd className="font-mono text-ink-3 text-xs leading-5">{where}</dd>
        </div>
      ))}
    </dl>
  );
}
