import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/** A Telegram on loopback: as much of the Bot API as a bot that polls needs. */
export interface Telegram {
  /** For `channels.telegram` of openclaw.json: anybody may write to the bot, and in groups it need not be named. */
  channel: object;
  /** Somebody writes to the bot; in a group, where its id is given (negative, as Telegram has them). */
  write(text: string, group?: number): void;
  /** What the bot has said so far, by the chat's id: the last state of each message. */
  said(chat: number): string[];
  close(): Promise<void>;
}

const BOT_TOKEN = "4144:token-of-a-test-bot";
export const PERSON = 4145;
/** A poll without news ends as soon as this: the bot then asks again. */
const POLL_MS = 1_000;

export async function startTelegram(): Promise<Telegram> {
  const updates: { update_id: number }[] = [];
  const said = new Map<number, Map<number, string>>();
  let messages = 0;
  let arrived = Promise.withResolvers<void>();

  const poll = async (offset: number) => {
    const news = () => updates.filter(({ update_id }) => update_id >= offset);
    if (news().length === 0) {
      const timer = setTimeout(arrived.resolve, POLL_MS);
      await arrived.promise;
      clearTimeout(timer);
      arrived = Promise.withResolvers();
    }
    return news();
  };
  const say = ({ chat_id, message_id, text }: Call) => {
    const chat = Number(chat_id);
    const id = message_id ?? ++messages;
    said.set(chat, (said.get(chat) ?? new Map<number, string>()).set(id, text ?? ""));
    return { message_id: id, date: now(), chat: { id: chat, type: chat < 0 ? "supergroup" : "private" }, text };
  };
  const answer = async (method: string, call: Call): Promise<unknown> => {
    if (method === "getMe") return BOT;
    if (method === "getUpdates") return poll(call.offset ?? 0);
    if (method === "getWebhookInfo") return { url: "", has_custom_certificate: false, pending_update_count: 0 };
    return method === "sendMessage" || method === "editMessageText" ? say(call) : true;
  };

  const server = http.createServer(async (request, response) => {
    const [, token, method = ""] = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? "") ?? [];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const known = token === BOT_TOKEN;
    const result = known ? await answer(method, body.startsWith("{") ? (JSON.parse(body) as Call) : {}) : undefined;
    response.writeHead(known ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(known ? { ok: true, result } : { ok: false, error_code: 401, description: "Unauthorized" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    channel: {
      enabled: true,
      botToken: BOT_TOKEN,
      apiRoot: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      dmPolicy: "open",
      allowFrom: ["*"],
      groupPolicy: "open",
      groups: { "*": { requireMention: false } },
    },
    write(text, group) {
      const from = { id: PERSON, is_bot: false, first_name: "Ada" };
      const chat =
        group === undefined ? { id: PERSON, type: "private", first_name: "Ada" } : { id: group, type: "supergroup", title: "Group" };
      updates.push({ update_id: updates.length + 1, ...{ message: { message_id: ++messages, date: now(), chat, from, text } } });
      arrived.resolve();
    },
    said: (chat) => [...(said.get(chat)?.values() ?? [])],
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface Call {
  offset?: number;
  chat_id?: number | string;
  message_id?: number;
  text?: string;
}

const BOT = {
  id: 4144,
  is_bot: true,
  first_name: "Signalbox",
  username: "signalbox_test_bot",
  can_join_groups: true,
  can_read_all_group_messages: true,
  supports_inline_queries: false,
};
const now = () => Math.floor(Date.now() / 1_000);
