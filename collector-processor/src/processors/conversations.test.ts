import fc from "fast-check";
import { expect, it } from "vitest";
import { messagesOf } from "./content.ts";
import { Conversations } from "./conversations.ts";

const limits = { messages: 12, messageCharacters: 400, rememberedBytes: 20_000 };
const long = fc.string({ minLength: 60, maxLength: 200 });
const message = fc.oneof(
  fc.record({ role: fc.constantFrom("user", "assistant"), content: long }),
  fc.record({ role: fc.constant("tool"), parts: fc.array(fc.record({ type: fc.constant("text"), content: long }), { maxLength: 2 }) }),
  long,
  fc.constant({ key: "sk-abcdefghijklmnopqrstuvwxyz", content: "what a key looks like", __proto__: null }),
);

it("says what reading the whole text says, however conversations grow, shrink, break and come again", () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 4, maxLength: 16 }),
      fc.array(
        fc.record({
          length: fc.nat(16),
          owner: fc.constantFrom("a", "b"),
          direction: fc.constantFrom("input" as const, "system" as const, "output" as const),
          end: fc.constantFrom("", "", "", " ", ",]", "]", "x"),
        }),
        { minLength: 5, maxLength: 25 },
      ),
      (messages, reads) => {
        const conversations = new Conversations(limits);
        for (const { length, owner, direction, end } of reads) {
          const text = JSON.stringify(messages.slice(0, length)) + end;
          const broken = end === ",]" ? text.replace("],]", ",]") : text;
          const read = conversations.messages(broken, direction, owner);
          expect(read).toEqual(messagesOf(broken, direction, limits));
        }
      },
    ),
  );
});

it("reads only what is new: the messages of before are the very same", () => {
  const conversations = new Conversations({ ...limits, rememberedBytes: 1_000_000 });
  const said = (count: number) =>
    JSON.stringify(Array.from({ length: count }, (_, index) => ({ role: "user", content: `${index} ${"and so on ".repeat(60)}` })));
  const first = conversations.messages(said(3), "input", "a");
  const second = conversations.messages(said(5), "input", "a");
  expect(second).toHaveLength(5);
  for (const [index, before] of first.entries()) expect(second[index]).toBe(before);
  expect(conversations.messages(said(5), "input", "a")).toBe(second);
  expect(conversations.messages(said(5), "input", "another's")[0]).not.toBe(first[0]);
});

it("forgets whose turn is longest ago when there is too much", () => {
  const conversations = new Conversations({ ...limits, rememberedBytes: 12_000 });
  const text = (owner: string) => JSON.stringify([{ role: "user", content: `${owner} ${"x".repeat(1_000)}` }]);
  const firstOf = (owner: string) => conversations.messages(text(owner), "input", owner)[0];
  const before = firstOf("a");
  expect(firstOf("a")).toBe(before);
  for (const owner of ["b", "c", "d", "e"]) firstOf(owner);
  expect(firstOf("a")).not.toBe(before);
});
