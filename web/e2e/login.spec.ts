// First start, the ways in, and the way out.
import { expect, given, test, tiles } from "./journey";

const REFUSED = /status of 401/;

test("the link of the first start leads to the Library, once", async ({ page, journey }) => {
  await page.goto(given("JOURNEY_LINK"));
  await expect(tiles(page).first()).toBeVisible();
  expect(new URL(page.url()).search, "no secret stays in the address").toBe("");
  await page.context().clearCookies();
  journey.expects(/status of 40[013]/);
  const again = await page.goto(given("JOURNEY_LINK"));
  expect(again?.ok(), "a link is good for one login").toBe(false);
});

test("a wrong token is refused, a right one opens the page that was wanted, and logging out closes it", async ({ page, journey }) => {
  journey.expects(REFUSED);
  await page.goto("/settings");
  await expect(page.getByRole("heading", { name: "Log in to Exhibit" })).toBeVisible();
  const token = page.getByLabel("Paste a token");
  await expect(token).toBeFocused();
  await token.fill("exh_wrong");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("does not accept this token");
  await token.fill(given("JOURNEY_TOKEN"));
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: "Your login" })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe("/settings");
  await page.getByRole("main").getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("heading", { name: "Log in to Exhibit" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Log in to Exhibit" })).toBeVisible();
  expect((await page.request.get("/v1/me")).status(), "the cookie is worth nothing any more").toBe(401);
});
