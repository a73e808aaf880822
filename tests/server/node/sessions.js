// Pages through all sessions of a simulated Slack with Slack's Node client, then asks for one
// person's; prints what came, as JSON. Arguments: the address of the Web API, a good token.
"use strict";

const { WebClient } = require("@slack/web-api");

const [url, token] = process.argv.slice(2);

const silent = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, setName() {}, getLevel() {} };

async function main() {
  const client = new WebClient(token, { slackApiUrl: url, logger: silent });
  const waits = [];
  client.on("rate_limited", (seconds) => waits.push(seconds));
  const pages = [];
  for await (const page of client.paginate("admin.users.session.list", { limit: 7 })) {
    pages.push(page.active_sessions);
  }
  const { team_id, user_id } = pages[0][0];
  const one = await client.admin.users.session.list({ team_id, user_id });
  process.stdout.write(JSON.stringify({ pages, one: one.active_sessions, user_id, waits }));
}

main();
