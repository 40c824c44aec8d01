import { isIP } from "node:net";
import { createTransport } from "nodemailer";
import { z } from "zod";
import { headline, type Notice, text } from "./notice.ts";
import { DeliveryFailed, type Way } from "./post.ts";

const SMTPS_PORT = 465;
const target = z.strictObject({
  kind: z.literal("email"),
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535).default(587),
  user: z.string().max(200).optional(),
  password: z.string().max(500).optional(),
  from: z.email(),
  to: z.array(z.email()).min(1).max(50),
});
type Target = z.infer<typeof target>;

/** SMTP: TLS from the start on port 465, else as soon as the server offers it; a password is sent over TLS only. */
export const email = {
  target,
  summary: ({ to, host }: Target): string => `${to.join(", ")} by ${host}`,
  async deliver({ host, port, user, password, from, to }: Target, notice: Notice, { guard, timeoutMs }: Way): Promise<void> {
    const transport = createTransport({
      host: await guard.resolve(host),
      port,
      secure: port === SMTPS_PORT,
      requireTLS: password !== undefined && port !== SMTPS_PORT,
      tls: isIP(host) === 0 ? { servername: host } : {},
      ...(user !== undefined && { auth: { user, pass: password ?? "" } }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      await transport.sendMail({
        from,
        to,
        subject: headline(notice),
        text: text(notice),
        messageId: `<${notice.delivery_id}@signalbox>`,
      });
    } catch (error) {
      throw new DeliveryFailed(`${host}: ${(error as Error).message}`);
    } finally {
      transport.close();
    }
  },
};
