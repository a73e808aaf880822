// Calls a server with Slack's Node client and prints what came of each call, as JSON.
// Arguments: the address of the Web API, a good token.
"use strict";

const { WebClient } = require("@slack/web-api");

const [url, token] = process.argv.slice(2);

const silent = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, setName() {}, getLevel() {} };

function client(chosen) {
  return new WebClient(chosen, {
    slackApiUrl: url,
    retryConfig: { retries: 0 },
    logger: silent,
  });
}

async function outcome(call) {
  try {
    return await call();
  } catch (error) {
    return { thrown: error.code, error: error.data && error.data.error };
  }
}

async function main() {
  const good = client(token);
  const results = {
    auth: await outcome(() => good.auth.test()),
    generic: await outcome(() => good.apiCall("auth.test")),
    echo: await outcome(() => good.apiCall("api.test", { foo: "bär & co", list: ["a", 1] })),
    failing: await outcome(() => good.apiCall("api.test", { error: "my_error" })),
    unknown: await outcome(() => good.apiCall("conversations.list", { limit: 5 })),
    stranger: await outcome(() => client("xoxp-wrong").auth.test()),
    nobody: await outcome(() => client(undefined).auth.test()),
  };
  process.stdout.write(JSON.stringify(results));
}

main();
