import type { Metadata } from "next";
import { ALERT_PAGE_SIZE, AlertListParameters, alertPagesQuery, alertRulesQuery, channelsQuery } from "../../../src/api/alert.ts";
import { facetsQuery } from "../../../src/api/facets.ts";
import { AlertsPage } from "../../../src/components/alerts/alerts-page.tsx";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadAlertRules, loadAlerts, loadChannels } from "../../../src/loaders/alerts.ts";
import { loadFacets } from "../../../src/loaders/facets.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Alerts" };

export default function Page() {
  return <Streamed content={content()} />;
}

async function content() {
  const state = await prefetch([
    { options: alertPagesQuery(), load: () => loadAlerts(AlertListParameters.parse({ limit: ALERT_PAGE_SIZE })), infinite: true },
    { options: alertRulesQuery(), load: loadAlertRules },
    { options: channelsQuery(), load: loadChannels },
    { options: facetsQuery(), load: loadFacets, later: true },
  ]);
  return (
    <Hydrated state={state}>
      <AlertsPage />
    </Hydrated>
  );
}
