"use client";
import { useQuery } from "@tanstack/react-query";
import { settingsQuery } from "../../api/settings.ts";
import { PageHeader } from "../../ui/page-header.tsx";
import { Panel } from "../../ui/panel.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Frame } from "../frame.tsx";
import { Resource } from "../resource.tsx";
import { DestinationList } from "./destination-list.tsx";
import { KeptDays } from "./kept-days.tsx";
import { KeptFacts } from "./kept-facts.tsx";
import { KeysPanel } from "./keys-panel.tsx";
import { PriceList } from "./price-list.tsx";
import { ProjectList } from "./project-list.tsx";

/** Who may send and read, what calls are priced by, what is kept, and where it goes. */
export function SettingsPage() {
  const settings = useQuery(settingsQuery());
  return (
    <Frame>
      <PageHeader title="Settings" />
      <KeysPanel />
      <Panel title="Projects and members" flush>
        <ProjectList defaultProject={settings.data?.default_project} />
      </Panel>
      <Panel title="Exports" flush>
        <Resource query={settings} skeleton={<SkeletonRows rows={2} height={56} />}>
          {({ destinations }) => <DestinationList destinations={destinations} />}
        </Resource>
      </Panel>
      <Panel title="Privacy and retention" flush>
        <Resource query={settings} skeleton={<SkeletonRows rows={3} height={56} />}>
          {(facts) => (
            <>
              <KeptFacts settings={facts} />
              <KeptDays retention={facts.retention} />
            </>
          )}
        </Resource>
      </Panel>
      <Panel title="Prices" flush>
        <Resource query={settings} skeleton={<SkeletonRows rows={8} />}>
          {({ prices }) => <PriceList prices={prices} />}
        </Resource>
      </Panel>
    </Frame>
  );
}
