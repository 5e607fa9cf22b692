// The pages in headless Chromium: what they say, what they ask for, whether everyone can use them.
//   ADDRESS=... TOKEN=... CHROMIUM=... [PICTURES=folder] node --test pages.mjs
import { readFileSync } from "node:fs";
import { test, before, after } from "node:test";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { ADDRESS: address, TOKEN: token, PICTURES: folder } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const sizes = { 390: 844, 1440: 1000 };
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: quiet });
});
after(() => browser?.close());

/** Opens a page and watches it: nothing may go wrong on the console, and nothing may be asked of another host. */
async function open(path, { width = 1440, theme = "light", script = true, status = 200 } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: sizes[width] }, colorScheme: theme, javaScriptEnabled: script, bypassCSP: false,
  });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => {
    // The browser's own remark on an answer that is meant to be an error.
    const expected = status >= 400 && message.text().includes(`status of ${status}`);
    if (["error", "warning"].includes(message.type()) && !expected) wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`script: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith("data:")) wrong.push(`asks ${request.url()}`);
  });
  // What a page still asks for when another takes its place is given up, and nobody's fault.
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText !== "net::ERR_ABORTED") wrong.push(`failed: ${request.url()}`);
  });
  const answer = await page.goto(address + path, { waitUntil: "networkidle" });
  assert.equal(answer.status(), status, path);
  return { page, context, wrong };
}

/** axe is run in a world of its own, past the page's content policy. */
async function accessible(page, where) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const run = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { contextId: executionContextId, expression, awaitPromise: true, returnByValue: true });
    assert.equal(exceptionDetails, undefined, `${where}: ${exceptionDetails?.exception?.description}`);
    return result.value;
  };
  await run(axe);
  const found = JSON.parse(await run(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
    .then((r) => JSON.stringify({ passes: r.passes.length, violations: r.violations.map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.failureSummary || ""))]) }))`));
  assert.ok(found.passes > 10, `${where}: axe looked at ${found.passes} rules`);
  assert.deepEqual(found.violations, [], where);
}

const newest = async () => (await (await fetch(`${address}/runs?format=json`)).json())[0].run;
const versions = async (ticker) => (await (await fetch(`${address}/models/${ticker}`)).json()).map((model) => model.version);

async function everyPage() {
  const [a, b] = await versions("GOOGL");
  return {
    overview: "/",
    ticker: "/tickers/GOOGL",
    record: "/tickers/GOOGL?tab=record",
    model: "/tickers/GOOGL?tab=model",
    versions: "/tickers/GOOGL?tab=versions",
    verdicts: "/tickers/GOOGL?tab=verdicts",
    data: "/tickers/GOOGL?tab=data",
    runs: "/runs",
    run: `/runs/${await newest()}`,
    results: "/results",
    compare: `/tickers/GOOGL/compare?a=${a}&b=${b}`,
    others: "/judged",
    judged: "/judged/colleague",
    stream: "/stream",
    docs: "/docs",
  };
}

test("every page, at every size, in both themes", async () => {
  for (const [name, path] of Object.entries(await everyPage())) {
    for (const width of [390, 1440]) {
      for (const theme of ["light", "dark"]) {
        const where = `${name} at ${width} px, ${theme}`;
        const { page, context, wrong } = await open(path, { width, theme });
        const shift = await page.evaluate(() => new Promise((done) => {
          let sum = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; })).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(sum), 100);
        }));
        assert.ok(shift < 0.01, `${where}: its layout shifts by ${shift}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(overflow <= 0, `${where}: it is ${overflow} px wider than the window`);
        await accessible(page, where);
        if (folder) await page.screenshot({ path: `${folder}/${name}-${width}-${theme}.png` });
        assert.deepEqual(wrong, [], where);
        await context.close();
      }
    }
  }
});

test("the overview sorts and follows what is typed, with the keyboard alone", async () => {
  const { page, context, wrong } = await open("/");
  const tickers = () => page.locator("table.overview tbody th.ticker").allTextContents();
  const all = await tickers();
  assert.deepEqual(all, [...all].sort());
  assert.equal(all.length, 10);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.getByRole("link", { name: "Last close" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/sort=close/);
  assert.equal(await page.locator("th.close").first().getAttribute("aria-sort"), "ascending");
  const closes = (await page.locator("td.close").allTextContents()).map((text) => parseFloat(text));
  assert.deepEqual(closes, [...closes].sort((x, y) => x - y));
  // A slash leads to the search; the table follows without a reload, and the address can be shared.
  await page.evaluate(() => { window.same = true; });
  await page.keyboard.press("/");
  await page.keyboard.type("goo");
  await page.waitForURL(/q=goo/);
  assert.deepEqual(await tickers(), ["GOOGL"]);
  assert.ok(await page.evaluate(() => window.same));
  await accessible(page, "the overview, searched");
  // The whole row is the ticker's.
  await page.locator("table.overview tbody td.verdict").first().click({ force: true });
  await page.waitForURL(/tickers\/GOOGL/);
  assert.deepEqual(wrong, []);
  await context.close();
});

test("a theme is switched, and stays", async () => {
  const { page, context, wrong } = await open("/tickers/GOOGL");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: "Switch between light and dark" }).click();
  const dark = await ground();
  assert.notEqual(light, dark);
  await accessible(page, "a ticker, switched to dark");
  await page.goto(`${address}/runs`);
  assert.equal(await ground(), dark);
  await page.getByRole("button", { name: "Switch between light and dark" }).click();
  assert.equal(await ground(), light);
  assert.deepEqual(wrong, []);
  await context.close();
});

test("a ticker: the chart says what is under the cursor, and does not take the wheel", async () => {
  const { page, context, wrong } = await open("/tickers/GOOGL");
  const canvas = page.locator("#chart canvas").first();
  await canvas.waitFor();
  const box = await page.locator("#chart").boundingBox();
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
  await page.waitForFunction(() => /forecast .*; 80 % /.test(document.getElementById("cursor").textContent));
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height / 2);
  await page.waitForFunction(() => /80 % interval/.test(document.getElementById("cursor").textContent));
  await page.mouse.wheel(0, 300);
  await page.waitForFunction(() => window.scrollY > 0);
  await page.getByRole("button", { name: "1 Y" }).click();
  assert.equal(await page.getByRole("button", { name: "1 Y" }).getAttribute("aria-pressed"), "true");
  assert.deepEqual(wrong, []);
  await context.close();
});

test("a ticker: equation, verdicts, and two versions compared", async () => {
  const { page, context, wrong } = await open("/tickers/GOOGL?tab=model");
  assert.match(await page.locator(".equation").textContent(), /ε/);
  await page.getByRole("link", { name: "Verdicts" }).click();
  await page.locator(".verdicts summary").first().click();
  await page.locator(".verdicts .verdicts summary").first().click();
  assert.ok(await page.locator(".verdicts table").first().isVisible());
  await page.getByRole("link", { name: "Versions" }).click();
  await page.locator("input[name=b]").last().check();
  await page.getByRole("button", { name: "Compare a with b" }).click();
  await page.waitForURL(/compare\?a=/);
  assert.equal(await page.locator("h1").textContent(), "GOOGL: two versions");
  assert.deepEqual(wrong, []);
  await context.close();
});

test("the newest verdict is reached again from its page", async () => {
  const { page, context, wrong } = await open("/tickers/KO?tab=verdicts");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText("was reached again").waitFor();
  await accessible(page, "a verified verdict");
  assert.deepEqual(wrong, []);
  await context.close();
});

test("results answer the first question first", async () => {
  const { page, context, wrong } = await open("/results");
  assert.match(await page.locator(".lead").textContent(), /Does it beat a random walk\?/);
  assert.match(await page.getByRole("table").filter({ hasText: "Should have" }).textContent(), /40.0 %/);
  const results = await (await fetch(`${address}/results?format=json`)).json();
  assert.ok(Math.abs(results.outcomes.reduce((sum, bin) => sum + bin.share, 0) - 1) < 1e-9);
  assert.equal(results.months.reduce((sum, month) => sum + month.forecasts, 0), results.forecasts);
  assert.deepEqual(wrong, []);
  await context.close();
});

test("without a script everything is said", async () => {
  const { page, context, wrong } = await open("/tickers/GOOGL", { script: false });
  assert.ok(await page.locator("#chart img").isVisible());
  assert.ok((await page.locator("table").count()) >= 2);
  for (const tab of ["record", "model", "versions", "verdicts", "data"]) {
    await page.goto(`${address}/tickers/GOOGL?tab=${tab}`);
    assert.ok((await page.locator("main h2").count()) >= 1, tab);
  }
  await page.goto(`${address}/?q=goo`);
  assert.deepEqual(await page.locator("table.overview tbody th.ticker").allTextContents(), ["GOOGL"]);
  assert.deepEqual(wrong, []);
  await context.close();
});

test("what is not there, and what is wrong, is said as a page", async () => {
  for (const [path, status, said] of [
    ["/tickers/NOBODY", 404, "NOBODY is unknown"],
    ["/nowhere", 404, "there is nothing at /nowhere"],
    ["/runs/2020-12-11-00000000", 404, "there is no run"],
    ["/?sort=luck", 400, "sort"],
    ["/?page=0", 400, "page"],
    ["/tickers/GOOGL?tab=luck", 400, "tab"],
    ["/tickers/GOOGL/compare?a=x", 400, "a: an id is a date"],
    ["/tickers/GOOGL/compare?a=2020-12-11-00000000&b=2020-12-11-00000001", 404, "no such version"],
  ]) {
    const { page, context, wrong } = await open(path, { status });
    assert.ok((await page.locator("main").textContent()).includes(said), path);
    await accessible(page, path);
    assert.deepEqual(wrong, [], path);
    await context.close();
  }
});

test("a night is started, fails in part, cannot be missed, and is tried again", async () => {
  const { page, context, wrong } = await open("/runs", { status: 200 });
  // A wrong token starts nothing.
  await page.getByText("Start a night now").click();
  await page.getByLabel("Token").fill("wrong");
  const [refused] = await Promise.all([page.waitForResponse((r) => r.request().method() === "POST"), page.getByRole("button", { name: "Start" }).click()]);
  assert.equal(refused.status(), 401);
  await page.getByRole("heading", { name: "401 Unauthorized" }).waitFor();
  await page.goto(`${address}/runs`);
  // The browser's own remarks on that answer.
  wrong.length = 0;
  await page.getByText("Start a night now").click();
  await page.getByLabel("Tickers", { exact: true }).fill("KO, NOBDY");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByText("did you mean NOBODY?").waitFor();
  await page.goto(`${address}/runs`);
  wrong.length = 0;
  await page.getByText("Start a night now").click();
  await page.getByLabel("Tickers", { exact: true }).fill("KO, NOBODY");
  await page.getByLabel("Reason").fill("to see it fail");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Start" }).click();
  await page.waitForURL(/\/runs\/2020-12-11-/);
  await finished(page);
  assert.match(await page.locator(".outcome.partial").textContent(), /1 of 2 tickers not done/);
  assert.match(await page.locator("dl.errors").first().textContent(), /its first line/);
  await accessible(page, "a night that failed in part");
  if (folder) await page.screenshot({ path: `${folder}/failed-1440-light.png` });
  const run = page.url();
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Try again what failed" }).click();
  await page.waitForURL(run);
  await finished(page);
  assert.match(await page.locator("table.stages").textContent(), /2 failed/);
  await page.getByText(/^Log: /).click();
  assert.match(await page.locator("details table").textContent(), /its first line/);
  await page.goto(address);
  assert.match(await page.locator(".outcome.partial").textContent(), /1 of 11 tickers failed/);
  // Neither a holiday nor a run of others hides it.
  for (const body of [{ as_of: "2020-12-12" }, { tickers: ["KO"], reason: "another" }]) {
    const started = await fetch(`${address}/runs`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(body) });
    assert.equal(started.status, 202);
    while (!(await idle())) await new Promise((done) => setTimeout(done, 50));
    await page.reload();
    assert.match(await page.locator(".outcome.partial").textContent(), /1 of 11 tickers failed/);
    assert.match(await page.locator(".tiles").textContent(), /2020-12-11/);
  }
  await accessible(page, "the overview after a partial night");
  if (folder) await page.screenshot({ path: `${folder}/partial-1440-light.png` });
  assert.deepEqual(wrong, []);
  await context.close();
});

/** Waits until the night on the page is closed again. */
async function finished(page) {
  for (let i = 0; i < 100; i++) {
    const entry = await (await fetch(`${page.url()}?format=json`)).json();
    if (entry.closure && (await idle())) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  await page.reload();
}

/** Whether another night could begin: a request that is wrong in itself is told so only then. */
async function idle() {
  const answer = await fetch(`${address}/runs/2020-12-11-00000000`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
  return answer.status === 404;
}
