/** Shadow traffic: a share of a route's requests goes to another pool too, after the client has its reply, and its own is let go. */

import type { IncomingHttpHeaders } from "node:http";
import { usdToNanousd } from "@signalbox/otel/prices";
import type { AdmitAside } from "../admission/aside.ts";
import { worstCase } from "../admission/budgets/worst-case.ts";
import { asideIdentity, callAside } from "../aside/aside.ts";
import type { RouteConfig } from "../config/schema.ts";
import type { ChatRequest } from "../dialects/chat-request.ts";
import type { Lease } from "../generations.ts";
import type { Payloads } from "../payloads/payloads.ts";
import type { DecisionRecord } from "../telemetry/record.ts";
import { createDailyCap, type DailyCap } from "./daily-cap.ts";

/** `sent`, or why a copy that was due was not. */
export type ShadowOutcome = "sent" | "busy" | "budget" | "no_price" | "pool_down";

export interface Shadows {
  /**
   * Sends a copy where one is due. Returns at once.
   * @param served what came of the request
   * @param lease what the request was served with
   */
  copy(route: RouteConfig, chat: ChatRequest, headers: IncomingHttpHeaders, served: DecisionRecord, lease: Lease): void;
}

export interface ShadowsOptions {
  admit: AdmitAside;
  /** Undefined: the bytes of copies are not kept. */
  payloads: Payloads | undefined;
  record: (record: DecisionRecord) => void;
  onOutcome: (route: string, outcome: ShadowOutcome) => void;
  /** 0 to 1. */
  random?: () => number;
  now?: () => number;
}

interface RouteShadow {
  cap: DailyCap;
  underWay: number;
}

export function createShadows({ admit, payloads, record, onOutcome, random = Math.random, now = Date.now }: ShadowsOptions): Shadows {
  /** Kept across reloads: a day's spending is not forgotten because a rule changed. */
  const states = new Map<string, RouteShadow>();

  const stateOf = (route: string): RouteShadow => {
    const known = states.get(route) ?? { cap: createDailyCap(), underWay: 0 };
    states.set(route, known);
    return known;
  };

  return {
    copy({ name, shadow }, chat, headers, served, lease) {
      if (!shadow || random() >= shadow.share) return;
      const state = stateOf(name);
      const pool = lease.parts.pools.find((one) => one.name === shadow.pool);
      const offer = pool?.offers.find(({ model }) => shadow.model === undefined || model === shadow.model);
      if (!offer || offer.unavailable !== undefined) return onOutcome(name, "pool_down");
      const { gate } = offer.source;
      // A client's call that comes meanwhile must not wait for a copy.
      if (state.underWay >= shadow.max_concurrent || gate.queued > 0 || gate.active + 1 >= gate.slots) return onOutcome(name, "busy");
      const worst = worstCase(offer, chat);
      if (worst === undefined) return onOutcome(name, "no_price");
      const settle = state.cap.reserve(worst, usdToNanousd(shadow.max_usd_per_day), now());
      if (!settle) return onOutcome(name, "budget");

      const use = lease.again();
      state.underWay++;
      let outcome: ShadowOutcome = "budget";
      void callAside({
        chat,
        headers,
        identity: asideIdentity(`shadow:${name}`, served.identity.project),
        offer,
        admit,
        onAdmitted() {
          outcome = "sent";
          onOutcome(name, outcome);
        },
        route: name,
        reason: "a copy of a served request",
        baseline: use.parts.baseline,
        shadowOf: served.decisionId,
        maxReplyBytes: 0,
        payloads,
        record,
      }).then(({ record: copied }) => {
        state.underWay--;
        use.leave();
        if (outcome !== "sent") onOutcome(name, outcome);
        // A cost that nobody knows counts at the most it can be.
        settle(copied.attempts.reduce((sum, { costNanousd }) => sum + (costNanousd ?? worst), 0));
      });
    },
  };
}
