import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps secrets in the database so that who has only the database cannot read them. */
export interface Seal {
  close(value: unknown): Buffer;
  /** @throws when it was sealed with another admin token, or was changed */
  open(sealed: Buffer): unknown;
}

/** AES-256-GCM under a key made from the admin token: nonce, tag, then the JSON. */
export function seal(adminToken: string): Seal {
  const key = Buffer.from(hkdfSync("sha256", adminToken, "", "signalbox channel secrets", 32));
  return {
    close(value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const sealed = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    open(sealed) {
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES));
        decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const text = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
        return JSON.parse(text.toString());
      } catch {
        throw new Error("the channel's secrets were stored under another admin token: enter them again");
      }
    },
  };
}
