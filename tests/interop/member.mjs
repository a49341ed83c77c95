// One chat member in a process of its own, for official.mjs to kill: joins the room, prints `joined`, and stays.
//
//   node member.mjs --url http://127.0.0.1:8080/cometd --transport long-polling|websocket --client cometd --user NAME

import { Client, load } from "./client.mjs";
import { commandLine } from "./support.mjs";

const { url, transport, client, user } = commandLine({
  url: { type: "string" },
  transport: { type: "string" },
  client: { type: "string" },
  user: { type: "string" },
});

const member = await new Client(await load(client), url, transport).open();
await member.subscribe("/members/demo");
await member.publish("/service/members", { user, room: "/chat/demo" });
await member.delivery("/members/demo", (names) => names.includes(user));
console.log("joined");
