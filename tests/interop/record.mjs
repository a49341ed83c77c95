// What went over the wire between one client and the server, and how to wait for it. Also runs in the browser.

/** Upper bound, in milliseconds, for everything that the server should do at once. */
const AT_ONCE = 10_000;

/** The messages of one client; a client's own hook for messages fills it. */
export class Record {
  /** Every message from the server, in order of arrival, before the client acts on it. */
  received = [];
  /** Every message to the server. */
  sent = [];
  #watchers = new Set();

  /** Records a message from the server, and returns it. */
  arrives(message) {
    return this.#record(this.received, message);
  }

  /** Records a message to the server, and returns it. */
  leaves(message) {
    return this.#record(this.sent, message);
  }

  #record(messages, message) {
    messages.push(structuredClone(message));
    for (const watcher of [...this.#watchers]) {
      watcher();
    }
    return message;
  }

  /** Waits until `find` returns something, asking again whenever a message goes over the wire. */
  until(what, find, bound = AT_ONCE) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle(value);
      };
      const look = () => {
        const found = find();
        if (found) {
          done(resolve, found);
        }
      };
      const timer = setTimeout(() => done(reject, new Error(`${what} did not come within ${bound} ms`)), bound);
      this.#watchers.add(look);
      look();
    });
  }

  /** The first recorded message that matches, now or later. */
  message(what, matches, bound) {
    return this.until(what, () => this.received.find(matches), bound);
  }

  /** The first delivery on a channel, now or later. */
  delivery(channel, matches = () => true, bound = AT_ONCE) {
    return this.message(`a delivery on ${channel}`, (it) => isDelivery(it, channel) && matches(it.data), bound);
  }

  /** All deliveries so far on channels that start with `prefix`. */
  deliveries(prefix) {
    return this.received.filter((it) => it.channel.startsWith(prefix) && isDelivery(it, it.channel));
  }
}

// A publish reply has no `data` and a delivery has it; that is how clients tell the two apart.
function isDelivery(message, channel) {
  return message.channel === channel && "data" in message;
}
