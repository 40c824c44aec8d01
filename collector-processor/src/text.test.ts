import { storableText } from "@signalbox/otel/conventions";
import fc from "fast-check";
import { expect, it } from "vitest";
import { boundedText, truncatedText } from "./text.ts";

it("bounds text in bytes, keeps it storable, and keeps two that differ apart", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), (text, more) => {
      const bounded = boundedText(text, 100);
      expect(Buffer.byteLength(bounded)).toBeLessThanOrEqual(100);
      expect(storableText(bounded)).toBe(bounded);
      if (Buffer.byteLength(text) > 100) expect(boundedText(text + more, 100)).not.toBe(bounded);
    }),
  );
});

it("bounds what text of NULs becomes", () => {
  expect(Buffer.byteLength(boundedText("\0".repeat(60), 100))).toBeLessThanOrEqual(100);
  expect(boundedText("\0".repeat(61), 100)).not.toBe(boundedText("\0".repeat(60), 100));
});

it("leaves short text as it is", () => {
  expect(boundedText("agent:main:main", 100)).toBe("agent:main:main");
  expect(truncatedText("short", 10)).toBe("short");
});

it("says how much was cut", () => {
  expect(truncatedText("x".repeat(15), 10)).toBe("xxxxxxxxxx… [5 more characters]");
});
