import { once } from "node:events";
import { connect, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";
const STATUS_AT = "HTTP/1.1 ".length;

/**
 * Posts OTLP/protobuf over one connection, one request at a time, for a bench that shares its cores with what it measures: a tenth of what
 * node:http's client takes for a small request.
 */
export class OtlpClient {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<OtlpClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new OtlpClient(socket);
  }

  /** @throws when it is not answered 200, and when the connection ends. */
  post(body: Buffer): Promise<void> {
    const head = `POST /v1/traces HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${body.length}${HEAD_END}`;
    const socket = this.#socket;
    socket.cork();
    socket.write(head, "latin1");
    socket.write(body);
    socket.uncork();
    return new Promise((resolve, reject) => {
      let answer = "";
      const settle = (error?: Error) => {
        socket.off("data", read).off("close", closed);
        if (error === undefined) resolve();
        else reject(error);
      };
      const read = (chunk: Buffer) => {
        answer += chunk.toString("latin1");
        const headEnd = answer.indexOf(HEAD_END);
        if (headEnd < 0) return;
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(answer)?.[1]);
        if (answer.length < headEnd + HEAD_END.length + length) return;
        const status = answer.slice(STATUS_AT, STATUS_AT + 3);
        settle(status === "200" ? undefined : new Error(`status ${status}`));
      };
      const closed = () => settle(new Error("the connection ended before its answer"));
      socket.on("data", read).once("close", closed);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
