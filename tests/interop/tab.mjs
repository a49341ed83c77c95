// Runs in Chromium, for browser.mjs: the official CometD client of one tab, with a record of its wire.

import { CometD, ReloadExtension } from "/client/cometd.js";
import { Record } from "/record.mjs";

class Tab extends Record {
  /** The client object of the CometD library. */
  cometd = new CometD();
  #subscriptions = new Map();

  constructor() {
    super();
    // The last extension sees first what is sent: what it holds back is not recorded.
    this.cometd.registerExtension("record", {
      incoming: (message) => this.arrives(message),
      outgoing: (message) => this.leaves(message),
    });
    this.cometd.registerExtension("reload", new ReloadExtension());
  }

  /**
   * Opens a session over that transport and no other, with the server that the page is from if there is no URL of
   * another; returns the reply to the handshake.
   */
  async open(transport, url = new URL("/cometd", location).href) {
    for (const type of this.cometd.getTransportTypes()) {
      if (type !== transport) {
        this.cometd.unregisterTransport(type);
      }
    }
    this.sent.length = 0;
    this.cometd.configure({ url, logLevel: "warn" });
    const reply = await new Promise((resolve) => this.cometd.handshake(resolve));
    await this.until("the second connect", () => this.sent.filter((it) => it.channel === "/meta/connect")[1]);
    return reply;
  }

  subscribe(channel) {
    return new Promise((resolve) => {
      this.#subscriptions.set(channel, this.cometd.subscribe(channel, () => {}, undefined, resolve));
    });
  }

  unsubscribe(channel) {
    return new Promise((resolve) => this.cometd.unsubscribe(this.#subscriptions.get(channel), resolve));
  }

  publish(channel, data) {
    return new Promise((resolve) => this.cometd.publish(channel, data, {}, resolve));
  }

  /** Publishes all in one envelope; the replies, in the order of the messages. */
  publishBatch(channel, values) {
    const replies = [];
    this.cometd.batch(() => {
      for (const data of values) {
        replies.push(this.publish(channel, data));
      }
    });
    return Promise.all(replies);
  }

  disconnect() {
    return new Promise((resolve) => this.cometd.disconnect(resolve));
  }
}

/** For browser.mjs, which calls it from outside. */
window.tab = new Tab();

// As the extension wants it: what this page knows of its session is kept for the next page of this tab.
addEventListener("pagehide", () => window.tab.cometd.reload());
