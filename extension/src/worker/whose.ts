// Whose page it is, by the other names of its account that the document gives (content/evidence/). They come out of a
// page and are believed as little as the page: a name counts only beside one that the address itself
// gives, only for an account of the same platform, and all it can do is to be looked up.

import * as core from "./core";
import { maxGroups, maxNames, type Names } from "../shared/named";
import { networkOf } from "../shared/networks";
import type { Finding } from "../shared/protocol";

const maxText = 1 << 18;

/** Platforms whose accounts go by telephone numbers too. */
const byPhone = ["telegram", "zalo"];

/** What is listed under another name of the account at an address, and the address that gives that name. */
export async function otherwise(href: string, groups: unknown): Promise<{ href: string; finding: Finding } | undefined> {
  for await (const named of beside(href, groups)) {
    const findings = await core.check(named.map(({ name }) => name));
    for (const [i, { name, subjects }] of named.entries()) {
      const finding = findings[i];
      if (finding?.verdict === "listed" && subjects.includes(finding.subject)) return { href: name, finding };
    }
  }
  return undefined;
}

/** Other addresses of the account at an address. */
export async function others(href: string, groups: unknown): Promise<string[]> {
  const found = new Set<string>();
  for await (const named of beside(href, groups)) for (const { name } of named) found.add(name);
  found.delete(href);
  return [...found];
}

/** The groups in which a name of the address stands, each name with the accounts that it names. */
async function* beside(href: string, groups: unknown): AsyncIterable<{ name: string; subjects: string[] }[]> {
  const platform = networkOf(new URL(href).hostname)?.platform;
  if (!platform || !isEvidence(groups)) return;
  const prefixes = byPhone.includes(platform) ? [`${platform}:`, "phone:"] : [`${platform}:`];
  const accounts = async (address: string) => (await core.subjects(address)).filter((subject) => prefixes.some((prefix) => subject.startsWith(prefix)));
  const own = new Set(await accounts(href));
  for (const group of groups) {
    const named = await Promise.all(group.map(async (name) => ({ name, subjects: await accounts(name) })));
    if (named.some(({ name, subjects }) => name === href || subjects.some((subject) => own.has(subject)))) yield named;
  }
}

function isEvidence(groups: unknown): groups is Names[] {
  if (!Array.isArray(groups) || groups.length > maxGroups) return false;
  let size = 0;
  return groups.every(
    (group) =>
      Array.isArray(group) && group.length <= maxNames && group.every((name) => typeof name === "string" && (size += name.length) <= maxText),
  );
}
