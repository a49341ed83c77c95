// What the scripts of this folder share: checks, bounds on waiting, and the overall deadline.

import { parseArgs } from "node:util";

/** The options that the server under test was started with, in milliseconds (see README.md). */
export const TIMEOUT = 2_000;
export const MAX_INTERVAL = 3_000;

/**
 * How long a session that vanished may stay visible: its last connect is held for TIMEOUT, its expiry comes
 * MAX_INTERVAL later, a sweep pass may be a second late, and the rest is for a slow machine.
 */
export const VANISHED = TIMEOUT + MAX_INTERVAL + 1_000 + 4_000;

/** Upper bound for a whole script. */
const DEADLINE = 60_000;

/** Part of the names that a run uses, so that runs against one server do not meet. */
export const RUN = `${Date.now().toString(36)}${process.pid.toString(36)}`;

/** The command line as an object; an option with neither a `default` nor `optional` is mandatory. */
export function commandLine(options) {
  const { values } = parseArgs({ options });
  for (const [name, { optional }] of Object.entries(options)) {
    if (!optional && values[name] === undefined) {
      console.error(`missing --${name}`);
      process.exit(2);
    }
  }
  return values;
}

let passed = 0;
let failed = 0;
/** The checks that are running. */
const running = new Set();

function fail(name, error) {
  failed += 1;
  // A failed assertion explains itself over several lines; a check is one line.
  console.log(`not ok ${name}: ${error.message.replace(/\s+/g, " ").trim()}`);
}

function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(passed > 0 && failed === 0 ? 0 : 1);
}

/** Runs one check and prints its line. A failure does not keep the checks after it from running. */
export async function check(name, body) {
  running.add(name);
  try {
    await body();
    passed += 1;
    console.log(`ok ${name}`);
  } catch (error) {
    fail(name, error);
  }
  running.delete(name);
}

/** Runs a script: its checks, the summary line and the exit code, all before the deadline. */
export async function main(checks) {
  setTimeout(() => {
    for (const name of running.size > 0 ? running : ["the script itself"]) {
      fail(name, new Error(`was not done after ${DEADLINE} ms`));
    }
    finish();
  }, DEADLINE);
  // Only an ordinary exit ends the processes that a script has started.
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => process.exit(1));
  }
  try {
    await checks();
  } catch (error) {
    fail("the script itself", error);
  }
  finish();
}
