import { expect, it } from "vitest";
import { targetGuard } from "./target-guard.ts";

const LOCAL = ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "[::1]", "[fd12::1]", "[::ffff:10.0.0.1]"];
const NEVER = ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "224.0.0.1", "255.255.255.255"];
const refused = (allowPrivate: boolean) => (host: string) => {
  try {
    targetGuard(allowPrivate).check(host);
    return false;
  } catch {
    return true;
  }
};

it("refuses addresses of this machine and its network, however they are written, unless they are allowed", () => {
  expect(LOCAL.filter((host) => !refused(false)(host))).toEqual([]);
  expect(LOCAL.filter(refused(true))).toEqual([]);
});

it("never lets link-local ones through, where a cloud machine gets its credentials", () => {
  expect(NEVER.filter((host) => !refused(true)(host))).toEqual([]);
});

it("lets what is public through", () => {
  expect(["1.1.1.1", "172.32.0.1", "[2606:4700::1111]", "hooks.slack.com"].filter(refused(false))).toEqual([]);
});

it("checks what a name stands for when it is looked up", async () => {
  await expect(targetGuard(false).resolve("localhost")).rejects.toThrow("localhost is an address of this machine");
  await expect(targetGuard(true).resolve("localhost")).resolves.toMatch(/^(127\.0\.0\.1|::1)$/);
});
