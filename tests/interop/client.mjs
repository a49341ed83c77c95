// The official CometD JavaScript client in Node.js, any version of it, with promises and a record of its wire.

import { Record } from "./record.mjs";

// A browser gives each profile a cookie jar; the adapter for Node.js has one jar for all its clients, which a server
// rightly takes for several tabs of one browser and does not hold their connects. So each client brings its own jar
// as the `context` of its transport. The adapter passes the context only when it reads cookies, hence the map.
const jarOfRequest = new WeakMap();

const cookies = {
  retrieveCookies(jar, request, callback) {
    jarOfRequest.set(request, jar);
    callback(null, [...jar.values()]);
  },
  storeCookie(request, header, callback) {
    const cookie = header.split(";")[0].trim();
    jarOfRequest.get(request).set(cookie.split("=")[0], cookie);
    callback();
  },
};

/**
 * Loads the official client of that name in package.json, and gives it the browser's objects that it needs. These are
 * global: one client in a process.
 */
export async function load(name) {
  // Up to version 7 the client is a CommonJS module, and so was the adapter of its time.
  const old = /^cometd-[3-7]$/.test(name);
  const { adapt } = await import(old ? "cometd-nodejs-client-1" : "cometd-nodejs-client");
  adapt({ cookies });
  const library = await import(name);
  return old ? library.default.CometD : library.CometD;
}

/**
 * The official client, with promises for its callbacks.
 *
 * A promised reply always settles: the official client itself fails a message whose reply does not come in 10 s.
 */
export class Client extends Record {
  /** The client object of the CometD library. */
  cometd;

  /** `CometD` is what `load` returned. */
  constructor(CometD, url, transport) {
    super();
    this.cometd = new CometD();
    for (const type of this.cometd.getTransportTypes()) {
      if (type !== transport) {
        this.cometd.unregisterTransport(type);
      }
    }
    this.cometd.findTransport(transport).context = new Map();
    this.cometd.configure({ url, logLevel: "warn" });
    this.cometd.registerExtension("record", {
      incoming: (message) => this.arrives(message),
      outgoing: (message) => this.leaves(message),
    });
  }

  handshake() {
    return new Promise((resolve) => this.cometd.handshake(resolve));
  }

  /** Handshakes, and waits for the first connect (answered at once) and for the second one (to be held) to be sent. */
  async open() {
    this.sent.length = 0;
    const reply = await this.handshake();
    if (!reply.successful) {
      throw new Error(`handshake failed: ${JSON.stringify(reply)}`);
    }
    await this.until("the second connect", () => this.sent.filter((it) => it.channel === "/meta/connect")[1]);
    return this;
  }

  /** Subscribes and returns the reply and the library's handle, which `unsubscribe` takes. */
  async subscribe(channel, callback = () => {}) {
    let subscription;
    const reply = await new Promise((resolve) => {
      subscription = this.cometd.subscribe(channel, callback, undefined, resolve);
    });
    return { reply, subscription };
  }

  unsubscribe({ subscription }) {
    return new Promise((resolve) => this.cometd.unsubscribe(subscription, resolve));
  }

  publish(channel, data, fields = {}) {
    return new Promise((resolve) => this.cometd.publish(channel, data, fields, resolve));
  }

  /** Publishes all in one envelope; the replies, in the order of the messages. */
  publishBatch(messages) {
    const replies = [];
    this.cometd.batch(() => {
      for (const [channel, data] of messages) {
        replies.push(this.publish(channel, data));
      }
    });
    return Promise.all(replies);
  }

  /** Sends a message as it is, also one that the library's own methods would refuse, and returns the reply. */
  send(message) {
    this.cometd.send(message);
    return this.message(`the reply to ${message.channel}`, (it) => it.id === message.id);
  }

  async disconnect() {
    if (!this.cometd.isDisconnected()) {
      return new Promise((resolve) => this.cometd.disconnect(resolve));
    }
  }
}
