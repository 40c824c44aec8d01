import { describe, expect, it } from "vitest";
import type { FleetStage } from "../../support/fleet-stage.ts";

/** What the keyboard does. */
export const keysTests = ({ open }: FleetStage) =>
  describe("keys", () => {
    it("⌘K goes to pages and sessions, and does what the page can do", async () => {
      const page = await open("/");
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: "page, session or action" }).fill("thread:77");
      await page.getByRole("option", { name: /scout.*thread:77/ }).waitFor();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "scout" }).waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("kill");
      await page.getByRole("option", { name: "Kill this session" }).waitFor();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Kill scout?" }).waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("brain");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/brain$/);
    });

    it("/ goes to the search of the page, ? lists the keys, and letters typed there are letters", async () => {
      const page = await open("/sessions");
      await page.keyboard.press("/");
      await page.keyboard.type("k?");
      await expect.poll(() => page.getByRole("searchbox").inputValue()).toBe("k?");
      expect(await page.getByRole("dialog").count()).toBe(0);
      await page.evaluate(() => (document.activeElement as HTMLElement).blur());
      await page.keyboard.press("?");
      await page.getByRole("heading", { name: "Keys" }).waitFor();
    });
  });
