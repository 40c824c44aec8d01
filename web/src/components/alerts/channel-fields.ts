import type { ChannelKind } from "../../api/alert.ts";

export interface ChannelField {
  name: string;
  label: string;
  placeholder?: string;
  isSecret?: boolean;
  isOptional?: boolean;
  /** How the text of the field is sent; default: as it is. */
  as?: "number" | "list";
}

/** What each kind of channel asks for. */
export const CHANNEL_WORDS: Record<ChannelKind, { name: string; fields: readonly ChannelField[] }> = {
  webhook: {
    name: "Webhook",
    fields: [
      { name: "url", label: "Address", placeholder: "https://example.com/hooks/signalbox" },
      { name: "secret", label: "Secret that signs each body (optional)", isSecret: true, isOptional: true },
    ],
  },
  slack: {
    name: "Slack",
    fields: [{ name: "url", label: "Incoming webhook", placeholder: "https://hooks.slack.com/services/…", isSecret: true }],
  },
  telegram: {
    name: "Telegram",
    fields: [
      { name: "bot_token", label: "Bot token", placeholder: "123456:ABC-DEF…", isSecret: true },
      { name: "chat_id", label: "Chat", placeholder: "-1001234567890 or @channel" },
    ],
  },
  pagerduty: {
    name: "PagerDuty",
    fields: [{ name: "routing_key", label: "Integration key (Events API v2)", isSecret: true }],
  },
  email: {
    name: "E-mail",
    fields: [
      { name: "host", label: "SMTP server", placeholder: "smtp.example.com" },
      { name: "port", label: "Port", placeholder: "587", isOptional: true, as: "number" },
      { name: "user", label: "User (optional)", isOptional: true },
      { name: "password", label: "Password (optional)", isSecret: true, isOptional: true },
      { name: "from", label: "From", placeholder: "signalbox@example.com" },
      { name: "to", label: "To, separated by commas", placeholder: "ops@example.com", as: "list" },
    ],
  },
};

/** The target as the collector takes it: what is empty is left out. */
export function targetOf(kind: ChannelKind, values: Readonly<Record<string, string>>): Record<string, unknown> {
  const target: Record<string, unknown> = { kind };
  for (const { name, as } of CHANNEL_WORDS[kind].fields) {
    const text = values[name]?.trim() ?? "";
    if (text === "") continue;
    target[name] = as === "number" ? Number(text) : as === "list" ? text.split(",").flatMap((part) => part.trim() || []) : text;
  }
  return target;
}
