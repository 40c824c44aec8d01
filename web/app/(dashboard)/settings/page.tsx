import type { Metadata } from "next";
import { keysQuery, projectsQuery, SettingsListParameters, settingsQuery } from "../../../src/api/settings.ts";
import { Hydrated } from "../../../src/components/hydrated.tsx";
import { SettingsPage } from "../../../src/components/settings/settings-page.tsx";
import { Streamed } from "../../../src/components/streamed.tsx";
import { loadKeys, loadProjects, loadSettings } from "../../../src/loaders/settings.ts";
import { prefetch } from "../../../src/server/prefetch.ts";

export const metadata: Metadata = { title: "Settings" };

export default function Page() {
  return <Streamed content={content()} />;
}

async function content() {
  const all = SettingsListParameters.parse({});
  const state = await prefetch([
    { options: settingsQuery(), load: loadSettings },
    { options: keysQuery(), load: () => loadKeys(all) },
    { options: projectsQuery(), load: () => loadProjects(all) },
  ]);
  return (
    <Hydrated state={state}>
      <SettingsPage />
    </Hydrated>
  );
}
