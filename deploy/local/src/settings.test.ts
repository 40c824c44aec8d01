import { homedir } from "node:os";
import { describe, expect, it } from "vitest";
import { addressesOf, readSettings } from "./settings.ts";

describe("readSettings", () => {
  it("has a default for everything", () => {
    expect(readSettings({})).toEqual({
      home: `${homedir()}/.signalbox`,
      host: "127.0.0.1",
      ports: { otlp: 4318, otlpGrpc: 4317, scheduler: 4320, web: 4321, postgres: 4325 },
      token: undefined,
      databaseUrl: undefined,
      readerDatabaseUrl: undefined,
      keepAliveMs: 120_000,
    });
  });

  it.each(["0", "65536", "80a", "-1", "4.5"])("refuses port %s and names its variable", (text) => {
    expect(() => readSettings({ SIGNALBOX_WEB_PORT: text })).toThrow(`SIGNALBOX_WEB_PORT=${text} is not a port`);
  });

  it("refuses two parts on one port", () => {
    expect(() => readSettings({ SIGNALBOX_WEB_PORT: "4320" })).toThrow("SIGNALBOX_SCHEDULER_PORT and SIGNALBOX_WEB_PORT are both 4320");
  });

  it("never echoes a DATABASE_URL that is wrong", () => {
    expect(() => readSettings({ DATABASE_URL: "mysql://me:hunter22@db/x" })).toThrow(
      /^DATABASE_URL is not a Postgres address(?!.*hunter22)/,
    );
  });

  it.each(["0", "65s", "-1"])("refuses to keep connections for %s", (text) => {
    expect(() => readSettings({ SIGNALBOX_KEEP_ALIVE_MS: text })).toThrow(`SIGNALBOX_KEEP_ALIVE_MS=${text} is no time`);
  });

  it("refuses a token that no header can carry", () => {
    expect(() => readSettings({ SIGNALBOX_TOKEN: "two words" })).toThrow("SIGNALBOX_TOKEN");
  });
});

it("reaches a service bound to every interface on loopback", () => {
  const ports = { otlp: 1, otlpGrpc: 5, scheduler: 2, web: 3, postgres: 4 };
  expect(addressesOf({ host: "0.0.0.0", ports }).web).toBe("http://127.0.0.1:3");
  expect(addressesOf({ host: "::1", ports }).otlp).toBe("http://[::1]:1");
});
