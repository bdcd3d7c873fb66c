// Chromium only: the hosts that were listed last are redirected by the browser itself, where a person has granted
// access to all sites. Nothing of such a page is loaded, whether or not the worker runs.
//
// The rules outlive the worker and the browser. Which hosts they name comes with the signed supplement, and the core
// must find each of them in the signed set as a whole site. What a person has let through in a tab is a rule of that
// tab.

import * as core from "./core";
import { api, own } from "../shared/ext";
import { restore } from "./store";

const everywhere = { origins: ["*://*/*"] };

/** The one dynamic rule; a rule of the session has the number of its tab. */
const redirect = 1;

/** How many hosts a rule names at most: those of the supplement are fewer. */
const maxHosts = 1000;

const rules = api.declarativeNetRequest as typeof chrome.declarativeNetRequest | undefined;

/** Whether the person has granted access to all sites, on which Firefox's own way depends too. */
export function granted(): Promise<boolean> {
  return api.permissions.contains(everywhere);
}

/**
 * Whether access to the site of a page is granted until it is taken back. A click on the toolbar button grants it too,
 * for what was asked by it alone.
 */
export async function grantedAt(href: string): Promise<boolean> {
  if (await granted()) return true;
  if (!URL.canParse(href)) return false;
  const { origin } = new URL(href);
  return origin !== "null" && api.permissions.contains({ origins: [`${origin.replace(/:\d+$/, "")}/*`] }).catch(() => false); // of no site, as a page of the browser's own
}

let turn: Promise<unknown> = Promise.resolve();

/** Takes turns: two changes of rules at once would undo each other. */
function next<T>(work: () => Promise<T>): Promise<T> {
  const done = turn.then(work, work);
  turn = done.catch(() => undefined);
  return done;
}

/** What the rules in force name; read once for each life of the worker. */
let known: Promise<Set<string>> | undefined;

function inForce(): Promise<Set<string>> {
  known ??= (async () => {
    if (!rules || !(await granted())) return new Set<string>();
    const [rule] = await rules.getDynamicRules({ ruleIds: [redirect] });
    return new Set(rule?.condition.requestDomains);
  })();
  return known;
}

/** Begins to read what the rules name, for the first address that is listed. */
export async function prepare(): Promise<void> {
  await inForce().catch(() => undefined);
}

/** Brings the rules in line with the list in use and with what is granted. */
export function refresh(): Promise<void> {
  return next(async () => {
    if (!rules) return;
    const hosts = (await granted()) ? await listed() : [];
    const [before] = await rules.getDynamicRules({ ruleIds: [redirect] });
    known = Promise.resolve(new Set(hosts));
    // With every change the browser throws away the pages that it keeps for the way back.
    if (String(before?.condition.requestDomains ?? []) === String(hosts)) return;
    await rules.updateDynamicRules({ removeRuleIds: [redirect], addRules: hosts.length > 0 ? [rule(hosts)] : [] });
  });
}

function rule(requestDomains: string[]): chrome.declarativeNetRequest.Rule {
  return {
    id: redirect,
    priority: 1,
    condition: { regexFilter: "^https?://.*", requestDomains, resourceTypes: ["main_frame"] },
    action: { type: "redirect", redirect: { regexSubstitution: `${own("warning.html")}#\\0` } },
  } as chrome.declarativeNetRequest.Rule;
}

/** The hosts of the supplement that the set lists as a whole. */
async function listed(): Promise<string[]> {
  await restore();
  const hosts = (await core.supplement()).hot.filter((host) => /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host)).slice(0, maxHosts).sort();
  const findings = await core.check(hosts.map((host) => `https://${host}/`));
  return hosts.filter((host, i) => findings[i]?.verdict === "listed" && findings[i].subject === `${host}/`);
}

/** Whether the browser redirects an address by itself in a tab where nothing was let through. */
export async function redirects(href: string): Promise<boolean> {
  const hosts = await inForce();
  if (hosts.size === 0) return false;
  const labels = new URL(href).hostname.split(".");
  return labels.some((_, i) => hosts.has(labels.slice(i).join(".")));
}

/**
 * Lets the host of an address through in one tab, until the tab or the browser closes. What is listed there is still up
 * to the guard.
 */
export function allow(tabId: number, href: string): Promise<void> {
  return next(async () => {
    if (!rules || !(await redirects(href))) return;
    const [before] = await rules.getSessionRules({ ruleIds: [tabId] });
    const requestDomains = [...new Set([...(before?.condition.requestDomains ?? []), new URL(href).hostname])];
    await rules.updateSessionRules({
      removeRuleIds: [tabId],
      addRules: [
        {
          id: tabId,
          priority: 2,
          condition: { tabIds: [tabId], requestDomains, resourceTypes: ["main_frame"] },
          action: { type: "allow" },
        } as chrome.declarativeNetRequest.Rule,
      ],
    });
  });
}

/** Forgets what was let through in a tab that is gone. */
export function forget(tabId: number): Promise<void> {
  return next(async () => rules?.updateSessionRules({ removeRuleIds: [tabId] }));
}

/** Forgets what was let through in every tab. */
export function forgetAll(): Promise<void> {
  return next(async () => rules?.updateSessionRules({ removeRuleIds: (await rules.getSessionRules()).map(({ id }) => id) }));
}

/** Whether access is granted, and to how many hosts the browser's own rules apply. */
export async function state(): Promise<{ granted: boolean; hosts: number }> {
  return { granted: await granted(), hosts: (await inForce()).size };
}
