/** The four panels of the demo page. Whatever comes from a peer is shown as text, never as markup. */

import { Bayeux } from "./bayeux.js";

const polling = new URLSearchParams(location.search).get("transport") === "long-polling";
const bayeux = new Bayeux("/cometd", { websocket: !polling });
/** Tells this window's messages from those of others. Not `crypto.randomUUID`, which plain HTTP in a LAN does not have. */
const tabId = Math.random().toString(36).slice(2, 10);

const find = (id) => document.getElementById(id);

header();
sharedLine();
echo();
chat();
monitor();
bayeux.connect();

function header() {
  const status = find("status");
  const again = find("connect-again");
  const notice = find("notice");
  find("second-window").href = location.href;
  again.addEventListener("click", () => bayeux.connect());
  // A page that the browser kept aside and shows again has said goodbye to the server.
  addEventListener("pageshow", ({ persisted }) => persisted && bayeux.connect());
  bayeux.addEventListener("state", ({ detail }) => {
    const how = detail.transport ? ` over ${detail.transport}` : "";
    const slow = detail.slow ? ", slowly: another window of this browser holds the line" : "";
    status.textContent = detail.state + how + slow;
    status.dataset.state = detail.state;
    again.hidden = detail.state !== "disconnected";
    notice.hidden = detail.reason === null;
    notice.textContent = detail.reason ?? "";
  });
  bayeux.addEventListener("refused", ({ detail }) => {
    notice.hidden = false;
    notice.textContent = `The server refused the subscription to ${detail.channel}: ${detail.error.message}`;
  });
}

function sharedLine() {
  const line = find("line");
  const by = find("line-by");
  const pause = 50; // ms between publishes: a fast typist must not flood the others.
  let timer = null;
  let dirty = false; // There is text that was not published yet.
  let underway = 0; // Published, but not yet come back.

  const publish = () => {
    timer = null;
    if (!dirty) return;
    dirty = false;
    underway += 1;
    timer = setTimeout(publish, pause);
    bayeux.publish("/demo/line", { text: line.value, by: tabId }).catch(() => {
      underway = Math.max(0, underway - 1);
      by.textContent = "Your last change was not sent.";
    });
  };

  line.addEventListener("input", () => {
    dirty = true;
    by.textContent = "Last change: this window.";
    if (timer === null) publish();
  });

  // The server's order decides. Own text that is still on its way will come last, so what arrives before is outdated.
  bayeux.subscribe("/demo/line", (data) => {
    const own = data.by === tabId;
    if (own) underway = Math.max(0, underway - 1);
    if (dirty || underway > 0 || line.value === data.text) return;
    replaceText(line, String(data.text ?? ""));
    if (own) return;
    by.textContent = "Last change: another window.";
    line.classList.remove("changed");
    void line.offsetWidth; // Without this the browser does not start the animation anew.
    line.classList.add("changed");
  });

  bayeux.addEventListener("state", ({ detail }) => {
    const connected = detail.state === "connected";
    line.readOnly = !connected;
    if (!connected) return;
    dirty = false;
    underway = 0;
    bayeux.publish("/service/line", {}).catch(() => {});
  });
}

/** Changes the text under the user's cursor, which stays where it was in the text around it. */
function replaceText(input, text) {
  const { value, selectionStart, selectionEnd } = input;
  let same = 0;
  while (same < text.length && value[same] === text[same]) same += 1;
  const moved = (position) => (position <= same ? position : Math.max(same, position + text.length - value.length));
  input.value = text;
  if (document.activeElement === input) input.setSelectionRange(moved(selectionStart), moved(selectionEnd));
}

function echo() {
  const text = find("echo-text");
  const log = find("echo-log");
  const underway = []; // Start times: echoes return in the order in which they left.

  find("echo-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const start = { at: performance.now() };
    underway.push(start);
    bayeux.publish("/service/echo", jsonOrText(text.value)).catch((error) => {
      if (underway.includes(start)) underway.splice(underway.indexOf(start), 1);
      append(log, [{ text: `Not echoed: ${error.message}`, kind: "problem" }], 50);
    });
    text.select();
  });

  bayeux.subscribe("/service/echo", (data) => {
    const start = underway.shift();
    const took = start ? `${(performance.now() - start.at).toFixed(1)} ms` : "";
    append(log, [{ text: JSON.stringify(data) }, { text: took, kind: "aside" }], 50);
  });

  bayeux.addEventListener("session", () => underway.splice(0)); // What a lost session owed will not come.
}

function jsonOrText(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function chat() {
  const name = find("chat-name");
  const room = find("chat-room");
  const text = find("chat-text");
  const log = find("chat-log");
  const members = find("chat-members");
  let joined = null; // {user, channel, leave}
  name.value = `guest-${tabId.slice(0, 3)}`;

  name.addEventListener("input", () => {
    // Commas and colons separate the names in `anna,bob::text`.
    name.setCustomValidity(/[,:]|^\s*$/.test(name.value) ? "a name without commas and colons" : "");
  });

  const say = (channel, data) =>
    bayeux.publish(channel, data).catch((error) => {
      append(log, [{ text: `Not sent: ${error.message}`, kind: "problem" }], 200);
      throw error;
    });

  const introduce = () => {
    const { user, channel } = joined;
    say("/service/members", { user, room: channel }).catch(() => {});
    say(channel, { user, membership: "join", chat: `${user} has joined` }).catch(() => {});
  };

  const show = () => {
    const inside = joined !== null;
    name.readOnly = room.readOnly = inside;
    find("chat-join").hidden = inside;
    find("chat-leave").hidden = !inside;
    text.disabled = find("chat-send").disabled = !inside;
    if (!inside) members.replaceChildren();
  };

  const showMessage = ({ user, chat, membership, scope }) => {
    const kinds = [membership && "membership", scope === "private" && "private", user === joined?.user && "own"];
    const parts = [{ text: clock(), kind: "aside" }];
    if (!membership) parts.push({ text: user, kind: "user" });
    parts.push({ text: chat, kind: "text" });
    if (scope === "private") parts.push({ text: "private", kind: "aside" });
    append(log, parts, 200, kinds.filter(Boolean).join(" "));
  };

  const showMembers = (users) => {
    const buttons = users.map((user) => {
      const button = element("button", "", user === joined?.user ? `${user} (you)` : user);
      button.type = "button";
      button.title = `Write privately to ${user}`;
      button.addEventListener("click", () => {
        text.value = `${user}::${text.value.replace(/^[^:]*::/, "")}`;
        text.focus();
      });
      const item = element("li");
      item.append(button);
      return item;
    });
    members.replaceChildren(...buttons);
  };

  find("chat-entry").addEventListener("submit", (event) => {
    event.preventDefault();
    if (joined) return;
    const channel = `/chat/${room.value}`;
    bayeux.batch(() => {
      const undo = [
        bayeux.subscribe(channel, showMessage),
        bayeux.subscribe(`/members/${room.value}`, (users) => Array.isArray(users) && showMembers(users)),
      ];
      joined = { user: name.value.trim(), channel, leave: () => undo.forEach((it) => it()) };
      introduce();
    });
    show();
    text.focus();
  });

  find("chat-leave").addEventListener("click", () => {
    const { user, channel, leave } = joined;
    bayeux.batch(() => {
      say(channel, { user, membership: "leave", chat: `${user} has left` }).catch(() => {});
      leave();
    });
    joined = null;
    show();
    find("chat-join").focus();
  });

  find("chat-say").addEventListener("submit", (event) => {
    event.preventDefault();
    const written = text.value;
    if (!joined || written.trim() === "") return;
    const { user, channel } = joined;
    const [, peer, secret] = /^([^:]+)::(.*)$/.exec(written) ?? [];
    const sent = peer
      ? say("/service/privatechat", { room: channel, user, chat: secret.trim(), peer: names(peer) })
      : say(channel, { user, chat: written });
    text.value = "";
    sent.catch(() => (text.value ||= written));
  });

  // A new session is a stranger to the chat service.
  bayeux.addEventListener("session", () => joined && introduce());
}

/** `anna, bob` as the service reads it: `anna,bob`. */
function names(list) {
  return list
    .split(",")
    .map((it) => it.trim())
    .filter(Boolean)
    .join(",");
}

function monitor() {
  const history = [];
  const log = find("monitor-events");
  const [area, line] = find("monitor-graph").querySelectorAll("path");

  bayeux.subscribe("/monitor/stats", (stats) => {
    find("monitor-sessions").textContent = count(stats.sessions);
    find("monitor-channels").textContent = count(stats.channels);
    find("monitor-rate").textContent = count(stats.messagesPerSecond);
    find("monitor-deliveries").textContent = count(stats.deliveriesPerSecond);
    find("monitor-uptime").textContent = `The server has been up for ${duration(stats.uptime)}.`;
    history.push(Number(stats.messagesPerSecond) || 0);
    if (history.length > 60) history.shift();
    draw();
  });

  const draw = () => {
    const peak = Math.max(...history);
    const scale = 18 / Math.max(peak, 5); // An idle server shall look calm, not noisy.
    const points = history.map((rate, index) => `${60 - history.length + index},${(20 - rate * scale).toFixed(2)}`);
    line.setAttribute("d", `M${points.join("L")}`);
    area.setAttribute("d", `M${60 - history.length},20L${points.join("L")}L59,20Z`);
    find("monitor-peak").textContent = `peak ${count(peak)}`;
    find("monitor-graph").setAttribute("aria-label", `Messages per second over the last minute, peak ${count(peak)}`);
  };

  bayeux.subscribe("/monitor/events", ({ kind, session, detail }) => {
    const item = entry([
      { text: clock(), kind: "aside time" },
      { text: kind, kind: "kind" },
      { text: session, kind: "session" },
      { text: detail ?? "", kind: "aside detail" },
    ]);
    item.dataset.kind = kind;
    log.prepend(item);
    while (log.childElementCount > 30) log.lastElementChild.remove();
  });
}

function count(number) {
  if (!Number.isFinite(number)) return "–";
  return number.toLocaleString("en", { maximumFractionDigits: number < 100 ? 1 : 0 });
}

function duration(seconds) {
  const whole = Math.floor(Number(seconds) || 0);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const texts = parts.map((part, index) => `${part} ${["h", "min", "s"][index]}`);
  return texts.slice(parts[0] > 0 ? 0 : parts[1] > 0 ? 1 : 2).join(" ");
}

function clock() {
  return new Date().toLocaleTimeString("en-GB");
}

function element(tag, className = "", text = "") {
  const it = document.createElement(tag);
  it.className = className;
  it.textContent = text;
  return it;
}

/** A line of a log: each part is `{text, kind}`, and the kind is its class. */
function entry(parts, kinds = "") {
  const item = element("li", kinds);
  item.append(...parts.map(({ text, kind }) => element("span", kind, String(text))));
  return item;
}

/** Adds a line at the end, drops the oldest beyond `limit`, and follows unless the reader has scrolled up. */
function append(log, parts, limit, kinds = "") {
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(entry(parts, kinds));
  while (log.childElementCount > limit) log.firstElementChild.remove();
  if (follows) log.scrollTop = log.scrollHeight;
}
