import axe from "axe-core";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { Dashboard } from "./dashboard.ts";

/** Visits of dashboards as a user makes them, each in a browser context of its own. */
export interface Visits {
  /** What consoles said was wrong, and errors that no page caught, each with its address. */
  readonly complaints: string[];
  /** A page that has logged in, at this path. */
  open(of: Dashboard, path: string, options?: BrowserContextOptions, onPage?: (page: Page) => void): Promise<Page>;
  /** Closes every page. */
  leave(): Promise<void>;
}

/** @param expected complaints that a test brings about: an answer that refuses is told by the console, too */
export function createVisits(browser: () => Browser, expected?: RegExp): Visits {
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];
  return {
    complaints,
    async open(of, path, options = {}, onPage) {
      const context = await browser().newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "UTC", ...options });
      contexts.push(context);
      const page = await context.newPage();
      page.on("console", (message) => {
        if (message.type() === "error" && !expected?.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
      });
      page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
      onPage?.(page);
      await page.goto(of.loginLink());
      await page.waitForURL(`${of.url}/`);
      await goTo(page, of.url + path);
      return page;
    },
    async leave() {
      for (const context of contexts.splice(0)) await context.close();
    },
  };
}

/** Opens a page of the dashboard, and waits until it listens to keys and clicks: what is pressed before is lost. */
export async function goTo(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await hydrated(page);
}

/** The page that was sent as HTML has come to life. */
export const hydrated = (page: Page): Promise<void> => page.locator("html[data-hydrated]").waitFor({ state: "attached" });

/** Changes reach the page as they come. */
export const live = (page: Page): Promise<void> =>
  page
    .getByText(/^Live$/)
    .filter({ visible: true })
    .first()
    .waitFor();

/** What axe finds serious or critical on a page. */
export async function violations(page: Page): Promise<unknown[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run(document)")) as { violations: axe.Result[] };
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.html.slice(0, 200)) }));
}
