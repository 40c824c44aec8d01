"use client";
import { useState } from "react";
import type { ListedPrice } from "../../api/settings.ts";
import { formatDecimals } from "../../model/numbers.ts";
import { Badge } from "../../ui/badge.tsx";

const FIRST = 20;

/** The table that calls are priced by; own prices come first and win. */
export function PriceList({ prices }: { prices: readonly ListedPrice[] }) {
  const [typed, setTyped] = useState("");
  const [isWhole, setWhole] = useState(false);
  const text = typed.trim().toLowerCase();
  const found = prices.filter(({ provider, model }) => `${provider} ${plainModel(model)}`.toLowerCase().includes(text));
  const shown = isWhole ? found : found.slice(0, FIRST);
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 pb-3">
        <p className="text-ink-2 text-sm">
          USD per million tokens. Set your own with <code>npx signalbox prices set</code>; a price that a pool names comes first.
        </p>
        <input
          type="search"
          aria-label="search prices"
          placeholder="Provider or model"
          value={typed}
          maxLength={100}
          onChange={(event) => setTyped(event.target.value)}
          className="h-8 w-full rounded-md border border-line bg-surface px-2.5 placeholder:text-ink-3 sm:w-56"
        />
      </div>
      <section aria-label="price table" tabIndex={0} className="scroll-x border-line border-t outline-offset-[-2px]">
        <table className="w-full min-w-[640px] text-left">
          <thead>
            <tr className="label border-line border-b">
              <th className="px-4 py-2 font-medium">Model</th>
              <th className="px-2 py-2 text-right font-medium">Input</th>
              <th className="px-2 py-2 text-right font-medium">Output</th>
              <th className="px-2 py-2 text-right font-medium">Cache read</th>
              <th className="px-2 py-2 text-right font-medium">Cache write</th>
              <th className="px-4 py-2 font-medium">Source</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((price) => (
              <tr
                key={JSON.stringify([price.provider, price.model, price.from, price.until, price.own])}
                className="border-line border-b last:border-b-0"
              >
                <td className="px-4 py-1.5">
                  <span className="flex flex-wrap items-center gap-x-2">
                    <span className="break-all font-mono text-sm">{plainModel(price.model)}</span>
                    {price.own && <Badge tone="good">yours</Badge>}
                  </span>
                  <span className="text-ink-3 text-xs">
                    {price.provider === "*" ? "any provider" : price.provider}
                    {price.from && `, from ${price.from}`}
                    {price.until && `, until ${price.until}`}
                  </span>
                </td>
                {[price.input, price.output, price.cache_read, price.cache_write].map((amount, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns
                  <td key={index} className="tabular px-2 py-1.5 text-right">
                    {amount === null ? <span className="text-ink-3">as input</span> : formatDecimals(amount, 4)}
                  </td>
                ))}
                <td className="max-w-64 truncate px-4 py-1.5 text-ink-2 text-sm" title={`${price.source}, read ${price.read}`}>
                  {price.source.replace(/^https?:\/\/(www\.)?/, "")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {found.length === 0 && <p className="px-4 py-4 text-ink-2">No price matches.</p>}
      {found.length > shown.length && (
        <button
          type="button"
          onClick={() => setWhole(true)}
          className="h-10 w-full border-line border-t text-ink-2 hover:bg-hover hover:text-ink"
        >
          Show all {found.length} prices
        </button>
      )}
    </>
  );
}

/** "^claude-opus-4[-.]6" -> "claude-opus-4-6": how people know it; the pattern itself is in the API. */
const plainModel = (pattern: string) => pattern.replace(/^\^/, "").replace(/\$$/, "").replaceAll("[-.]", "-").replaceAll("\\.", ".");
