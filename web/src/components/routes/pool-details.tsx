import { plainId } from "@signalbox/otel/conventions";
import Link from "next/link";
import type { ReactNode } from "react";
import type { Pool } from "../../api/pool.ts";
import { saving } from "../../model/money.ts";
import { formatCompact, formatCount, formatShare, plural } from "../../model/numbers.ts";
import { formatDuration } from "../../model/time.ts";
import { paths } from "../../paths.ts";
import { HostileText } from "../../ui/hostile-text.tsx";
import { Money } from "../../ui/money.tsx";
import { siliconLook } from "../../ui/silicon.ts";
import { Ago } from "../../ui/time.tsx";

/** What a pool's numbers mean, in sentences; how it kept each class; and which sessions held it. */
export function PoolDetails({ pool }: { pool: Pool }) {
  return (
    <div className="grid gap-x-10 gap-y-5 whitespace-normal lg:grid-cols-[minmax(0,5fr)_minmax(0,4fr)_minmax(0,5fr)]">
      <Section title="What it is worth">
        <ul className="flex flex-col gap-1.5">
          {sentences(pool).map(({ key, text }) => (
            <li key={key}>{text}</li>
          ))}
        </ul>
      </Section>
      <Section title="SLA by class">
        {pool.sla.length === 0 ? (
          <p className="text-ink-2">No call of a class was measured.</p>
        ) : (
          <ul className="flex flex-col gap-2">
            {pool.sla.map(({ sla_class, met, missed }) => (
              <li key={sla_class}>
                <span className="tabular flex justify-between gap-3">
                  <span>{sla_class}</span>
                  <span>
                    {formatShare(met / (met + missed))} <span className="text-ink-2">of {plural(met + missed, "call")}</span>
                  </span>
                </span>
                <span className="mt-1 flex h-1.5 overflow-hidden rounded-full bg-bad" aria-hidden>
                  <span className="bg-good" style={{ width: `${(met / (met + missed)) * 100}%` }} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="Who held it, in the last 24 hours">
        {pool.holders.length === 0 ? (
          <p className="text-ink-2">Nobody, in this range.</p>
        ) : (
          <ol aria-label={`sessions that held ${pool.pool}`} className="flex flex-col gap-1.5">
            {pool.holders.map((holder) => (
              <li key={holder.session_id}>
                <span className="tabular flex items-baseline justify-between gap-3">
                  <Link
                    prefetch={false}
                    href={paths.session(holder.session_id, { view: "agents" })}
                    className="min-w-0 truncate hover:underline"
                    title={plainId(holder.session_id)}
                  >
                    <HostileText text={holder.agent_name ?? plainId(holder.session_id)} />
                    {holder.sub_agents > 0 && <span className="text-ink-2"> and {plural(holder.sub_agents, "sub-agent")}</span>}
                  </Link>
                  <span className="shrink-0 text-ink-2">
                    <span className="text-ink">{formatShare(holder.share)}</span> {formatDuration(holder.held_ms)}
                  </span>
                </span>
                <span className="mt-0.5 block h-1 overflow-hidden rounded-full bg-sunken" aria-hidden>
                  <span className="block h-full" style={{ width: `${holder.share * 100}%`, background: siliconLook(pool.silicon).color }} />
                </span>
              </li>
            ))}
          </ol>
        )}
      </Section>
    </div>
  );
}

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title} className="min-w-0">
    <h3 className="label mb-2">{title}</h3>
    {children}
  </section>
);

const RATES: Record<string, string> = {
  assumed: "as assumed without a measurement",
  configured: "as configured",
  measured: "as measured",
};

function sentences(pool: Pool): { key: string; text: ReactNode }[] {
  const { now, utilisation, break_even_utilisation: point } = pool;
  const saved = saving(pool.comparable_baseline_nanousd, pool.comparable_cost_nanousd);
  const all: { key: string; text: ReactNode; isSaid: boolean }[] = [
    { key: "reason", isSaid: Boolean(now?.reason), text: <span className="break-words text-bad">{now?.reason}</span> },
    {
      key: "probe",
      isSaid: Boolean(now?.probe),
      text: now?.probe && (
        <>
          {now.probe.error === null ? (
            <>It answered its probe in {formatDuration(now.probe.ms)}</>
          ) : (
            <span className="break-words text-bad">Its probe failed ({now.probe.error})</span>
          )}
          , <Ago time={now.probe.at} />.
        </>
      ),
    },
    {
      key: "speed",
      isSaid: Boolean(now?.prefill_tokens_per_second && now.decode_ms_per_token),
      text: now?.prefill_tokens_per_second && now.decode_ms_per_token && (
        <>
          It reads {formatCompact(Math.round(now.prefill_tokens_per_second))} tokens a second and writes{" "}
          {formatCompact(Math.round(1000 / now.decode_ms_per_token))}
          {now.rates && RATES[now.rates] && <>, {RATES[now.rates]}</>}
          {now.rates === "measured" && now.measured_at && (
            <>
              {" "}
              <Ago time={now.measured_at} />
            </>
          )}
          {now.learned && (
            <>
              {" "}
              and corrected by {plural(now.learned.calls, "call")}, the first <Ago time={now.learned.since} />
            </>
          )}
          .
        </>
      ),
    },
    {
      key: "saved",
      isSaid: saved.fraction !== null,
      text: (
        <>
          Its calls cost <Money nanousd={pool.comparable_cost_nanousd} />; one vendor would have charged{" "}
          <Money nanousd={pool.comparable_baseline_nanousd} />.
        </>
      ),
    },
    {
      key: "point",
      isSaid: point !== null,
      text:
        point !== null && point > 1 ? (
          <>Even when always busy it costs more an hour than the baseline would charge for these calls.</>
        ) : (
          <>
            At <span className="font-medium">${now?.hourly_usd?.toFixed(2)}</span> an hour it is cheaper than the baseline once it is busy{" "}
            {formatShare(point ?? 0)} of the time
            {utilisation !== null && <>; it was busy {formatShare(utilisation)}</>}.
          </>
        ),
    },
    {
      key: "hours",
      isSaid: Boolean(now?.hours),
      text: now?.hours && (
        <>
          Since it was set up its hours cost <Money nanousd={now.hours.allocated_nanousd} />: <Money nanousd={now.hours.used_nanousd} />{" "}
          while it worked, <Money nanousd={now.hours.idle_nanousd} /> while it stood idle.
        </>
      ),
    },
    {
      key: "rate",
      isSaid: now !== null && now.hourly_usd === null,
      text: <>It is paid by the token, so it has no hours that could stand idle.</>,
    },
    {
      key: "away",
      isSaid: now === null,
      text: <>Its rate and slots are unknown while the scheduler does not speak of it, so neither is its break-even.</>,
    },
    {
      key: "models",
      isSaid: (now?.models.length ?? 0) > 0,
      text: (
        <span className="text-ink-2">
          {now?.engine}: {now?.models.map((model) => (model.tier === null ? model.id : `${model.id} (tier ${model.tier})`)).join(", ")}
          {now?.queue_limit != null && `; up to ${formatCount(now.queue_limit)} wait`}.
        </span>
      ),
    },
  ];
  return all.filter((one) => one.isSaid);
}
