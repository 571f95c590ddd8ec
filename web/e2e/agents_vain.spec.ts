// A gateway that says yes to a kill, and whose session goes on.
import { api, expect, test } from "./journey";

for (const colorScheme of ["light", "dark"] as const)
  test(`AG-35: a kill that is not confirmed is never told as one, ${colorScheme}`, async ({ page, journey }) => {
    // It is read back for as long as the server waits before it gives up.
    test.setTimeout(120_000);
    journey.expects(/status of 500/);
    await journey.log_in();
    await page.emulateMedia({ colorScheme });
    await page.goto("/agents?kill=main-0001");
    const dialog = page.getByRole("dialog", { name: "Kill this session" });
    await expect(dialog).toContainText("main-0001");
    await dialog.getByRole("button", { name: "Kill the session" }).click();
    await expect(dialog.getByRole("alert")).toContainText("Kill not confirmed: session still running.");
    await expect(dialog).toContainText("Read back: running.");
    await expect(dialog.getByText("Confirmed.", { exact: true })).toHaveCount(0);
    await page.keyboard.press("Escape");
    const session = page.getByRole("list", { name: "Sessions of main" }).getByRole("listitem").filter({ hasText: "main-0001" });
    await expect(session.getByText("running", { exact: true })).toBeVisible();
    await expect(session.getByRole("button", { name: "Kill…" })).toBeEnabled();
    const { items } = await api<{ items: { action: string; target: string; outcome: string; finalState: string }[] }>(page, "/v1/agents/control/audit");
    expect(items[0]).toMatchObject({ action: "kill", target: "session=main-0001", outcome: "unconfirmed", finalState: "running" });
  });
