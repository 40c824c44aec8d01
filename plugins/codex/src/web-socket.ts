import { randomBytes } from "node:crypto";
import http from "node:http";
import type { Socket } from "node:net";

/** Where an app-server listens: a unix socket's path, or a port of this machine. */
export type Address = { socketPath: string } | { port: number };

export interface TextSocket {
  send(text: string): void;
  close(): void;
}

const CONNECTED_WITHIN_MS = 1_000;
/** The app-server says that it sends none that is longer in one piece. */
const MAX_MESSAGE_BYTES = 16 << 20;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

/**
 * A client of WebSocket (RFC 6455) for text, which Node's own is not where the server listens on a unix socket. Rejects where nothing takes
 * the connection; `onEnd` is told when it is over.
 */
export async function openTextSocket(address: Address, onText: (text: string) => void, onEnd: (error: Error) => void): Promise<TextSocket> {
  const socket = await upgraded(address);
  const write = (opcode: number, payload: Buffer) => void socket.write(maskedFrame(opcode, payload));
  let buffered: Buffer = Buffer.alloc(0);
  let pieces: Buffer[] = [];
  const fail = (reason: string) => socket.destroy(new Error(`codex app-server ${reason}`));
  const take = (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    for (let frame = frameIn(buffered); frame !== undefined; frame = frameIn(buffered)) {
      buffered = buffered.subarray(frame.end);
      if (frame.opcode === CLOSE) socket.end();
      else if (frame.opcode === PING) write(PONG, frame.payload);
      else if (frame.opcode <= TEXT) {
        pieces.push(frame.payload);
        if (!frame.isLast) continue;
        onText(Buffer.concat(pieces).toString("utf8"));
        pieces = [];
      }
    }
    if (buffered.length + pieces.reduce((sum, piece) => sum + piece.length, 0) > MAX_MESSAGE_BYTES) fail("sent too long a message");
  };
  socket.on("data", take);
  socket.once("error", onEnd);
  socket.once("close", () => onEnd(new Error("codex app-server closed the connection")));
  return { send: (text) => write(TEXT, Buffer.from(text)), close: () => socket.destroy() };
}

function upgraded(address: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      ...address,
      host: "127.0.0.1",
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64"),
      },
      timeout: CONNECTED_WITHIN_MS,
    });
    request.once("upgrade", (_response, socket, head) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket as Socket);
    });
    request.once("response", ({ statusCode }) => {
      request.destroy();
      reject(new Error(`it answered ${statusCode}`));
    });
    request.once("timeout", () => request.destroy(new Error(`no answer within ${CONNECTED_WITHIN_MS} ms`)));
    request.once("error", reject);
    request.end();
  });
}

/** What a client sends must be masked. */
function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 1 << 16 ? 4 : 10);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | (length < 126 ? length : length < 1 << 16 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  const mask = randomBytes(4);
  return Buffer.concat([header, mask, payload.map((byte, at) => byte ^ (mask[at & 3] as number))]);
}

/** The first frame, where all of it is there. A server's is not masked. */
function frameIn(bytes: Buffer): { opcode: number; isLast: boolean; payload: Buffer; end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const [first, short] = [bytes[0] as number, (bytes[1] as number) & 0x7f];
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  if (bytes.length < end) return undefined;
  return { opcode: first & 0x0f, isLast: (first & 0x80) !== 0, payload: bytes.subarray(start, end), end };
}
