// The page of a running `demo` in Chromium: what a person does with two or three open windows.
//
//   node page.mjs --url http://127.0.0.1:8080/ [--screenshot FILE]
//
// CHROMIUM names the browser (default /usr/bin/chromium). With --screenshot the first window is photographed after the
// chat, once as FILE in a desktop's size and once, with `-phone` before the extension, in a phone's.
//
// Every window has a browser context of its own, as if it were on another machine: windows that share a cookie would
// share one held connect over long polling.

import assert from "node:assert/strict";
import { parse, format } from "node:path";
import { complaints, launch } from "./chromium.mjs";
import { VANISHED, check, commandLine, main } from "./support.mjs";

const { url, screenshot } = commandLine({
  url: { type: "string" },
  screenshot: { type: "string", optional: true },
});

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

/** How long a page may take to show what the server sent. */
const SHOWN = 8_000;

/** One window of the page. Elements are named by their id. */
class Window {
  /** Who sits in front of it. */
  name;
  /** Errors on the browser's console, uncaught exceptions included. */
  errors;
  #page;

  /** Opens the address for a person of that name. */
  static async open(browser, address, name) {
    const context = await browser.newContext({ viewport: DESKTOP });
    const window = new Window();
    window.name = name;
    window.#page = await context.newPage();
    window.#page.setDefaultTimeout(SHOWN);
    window.errors = complaints(window.#page);
    await window.#page.goto(address);
    return window;
  }

  type(id, text) {
    return this.#page.fill(`#${id}`, text);
  }

  click(id) {
    return this.#page.click(`#${id}`);
  }

  /** The text that an element shows now: the value of an input, the text of anything else. */
  text(id) {
    return this.#page.locator(`#${id}`).evaluate((element) => element.value ?? element.textContent);
  }

  /** Waits until the element's text matches, or, with `gone`, until it does not match any more. */
  async shows(id, pattern, { gone = false, bound = SHOWN } = {}) {
    try {
      await this.#page.waitForFunction(
        ({ id, source, gone }) => {
          const element = document.getElementById(id);
          return element && new RegExp(source).test(element.value ?? element.textContent) !== gone;
        },
        { id, source: pattern.source, gone },
        { timeout: bound },
      );
    } catch {
      const found = await this.text(id).catch(() => "no such element");
      throw new Error(`#${id} should ${gone ? "not " : ""}match ${pattern} within ${bound} ms, but shows: ${found}`);
    }
  }

  async screenshot(path, viewport) {
    await this.#page.setViewportSize(viewport);
    await this.#page.evaluate(() => scrollTo(0, 0));
    await this.#page.screenshot({ path });
  }

  /** Closes the tab as a person does; what the page still sends is up to the page. */
  close() {
    return this.#page.close();
  }
}

async function join(window) {
  await window.type("chat-name", window.name);
  await window.type("chat-room", "demo");
  await window.click("chat-join");
  await window.shows("chat-members", new RegExp(window.name));
}

async function say(window, text) {
  await window.type("chat-text", text);
  await window.click("chat-send");
}

async function photograph(window, path) {
  const { dir, name, ext } = parse(path);
  await window.screenshot(format({ dir, name: `${name}-phone`, ext }), PHONE);
  await window.screenshot(path, DESKTOP);
}

/** All that three people can do on the page, over one transport. */
async function visit(browser, transport, address, names, photo) {
  const step = (name, body) => check(`${transport}: ${name}`, body);
  const windows = [];
  const open = async (name) => {
    const window = await Window.open(browser, address, name);
    windows.push(window);
    await window.shows("status", new RegExp(`\\bconnected\\b.*${transport}`));
    return window;
  };
  let alice, bob, carol;

  await step("two windows connect", async () => {
    [alice, bob] = await Promise.all([open(names[0]), open(names[1])]);
  });
  if (!bob) {
    return; // Without windows the steps below have nothing to say.
  }

  await step("a line typed in one window appears in the other", async () => {
    await alice.type("line", `Typed in ${alice.name}'s window`);
    await bob.shows("line", new RegExp(`^Typed in ${alice.name}'s window$`));
    await bob.type("line", `Changed in ${bob.name}'s window`);
    await alice.shows("line", new RegExp(`^Changed in ${bob.name}'s window$`));
  });

  await step("a window opened later shows the line", async () => {
    carol = await open(names[2]);
    await carol.shows("line", new RegExp(`^Changed in ${bob.name}'s window$`));
  });

  await step("an echo comes back", async () => {
    await alice.type("echo-text", "hallå, κόσμε ☃");
    await alice.click("echo-send");
    await alice.shows("echo-log", /hallå, κόσμε ☃/);
  });

  await step("users join and chat", async () => {
    for (const window of windows) {
      await join(window);
    }
    for (const window of windows) {
      for (const name of names) {
        await window.shows("chat-members", new RegExp(name));
      }
    }
    await say(alice, "hello, everyone");
    await bob.shows("chat-log", new RegExp(`${alice.name}[^]*hello, everyone`));
    await say(bob, "hello, you");
    await alice.shows("chat-log", new RegExp(`${bob.name}[^]*hello, you`));
  });

  await step("a private message is seen by two, and not by the third", async () => {
    await say(alice, `${bob.name}::between us`);
    await alice.shows("chat-log", /between us/);
    await bob.shows("chat-log", /between us/);
    // The public message comes after the private one; who sees it has seen all that there was to see.
    await say(alice, "for all of you");
    await carol.shows("chat-log", /for all of you/);
    assert.doesNotMatch(await carol.text("chat-log"), /between us/);
  });

  await step("the monitor shows the sessions", async () => {
    // Three windows or more: others may use the same server.
    await alice.shows("monitor-sessions", /[3-9]|\d\d/);
    await alice.shows("monitor-channels", /[1-9]/);
    await alice.shows("monitor-rate", /\d/);
    await alice.shows("monitor-events", /handshake|subscribe/);
  });

  if (photo) {
    await step("the page can be photographed", () => photograph(alice, photo));
  }

  await step("a member who leaves is gone for the others", async () => {
    await carol.click("chat-leave");
    await alice.shows("chat-members", new RegExp(carol.name), { gone: true });
    await alice.shows("chat-log", new RegExp(`${carol.name} has left`));
  });

  await step("a member who closes the tab is gone for the others", async () => {
    await bob.close();
    await alice.shows("chat-members", new RegExp(bob.name), { gone: true, bound: VANISHED });
    await alice.shows("chat-log", new RegExp(`${bob.name} has left`));
  });

  await step("no window complained on its console", () => {
    assert.deepEqual(windows.flatMap((it) => it.errors), []);
  });

  await Promise.all(windows.map((it) => it.close()));
}

await main(async () => {
  const browser = await launch();
  // Other names the second time: the first visitors may still be on their way out.
  await visit(browser, "websocket", url, ["alice", "bob", "carol"], screenshot);
  await visit(browser, "long-polling", new URL("?transport=long-polling", url).href, ["anna", "ben", "clara"]);
  await browser.close();
});
