// The worker's side of what a person chooses, and sees about what they chose: the language, the options, the first run.

import * as advice from "./advice";
import { ahead } from "./clock";
import * as core from "./core";
import { CoreError } from "./core";
import type { Entry } from "../shared/entry";
import { api, own } from "../shared/ext";
import { extents as different, within } from "../shared/extent";
import * as guard from "./guard";
import * as hot from "./hot";
import * as menu from "./menu";
import * as met from "./met";
import type { Diagnostics, FromAnywhere, FromOptions, Handlers, Protection } from "../shared/message";
import * as pictures from "../shared/pictures";
import * as receipts from "./receipts";
import type { Draft } from "./report";
import { ServerError } from "./server";
import * as session from "../shared/session";
import { settings, whenChosen, type Extent, type Home } from "../shared/settings";
import * as store from "./store";
import { chosenWords, language, readAgain } from "../shared/text";
import { isAccount } from "../shared/what";
import { moveTo, update, UpdateError } from "./update";

/** Called when another list came into use than an update has brought. */
let listMoved: () => Promise<unknown> = async () => undefined;

/** Follows the choices of the person as long as the worker runs. To be called on the first tick. */
export function watch(moved: () => Promise<unknown>): void {
  listMoved = moved;
  whenChosen(async (now, before) => {
    // Off forgets everything.
    if (before.late && !now.late) await met.clear().then(guard.showHealth);
    if (now.language === before.language) return;
    await readAgain();
    await menu.fill();
    await guard.showHealth();
  });
}

/** The first screens, once in the life of a profile: some browsers say "installed" more than once. */
export async function welcome(): Promise<void> {
  const { welcomed } = await api.storage.local.get("welcomed");
  if (welcomed) return;
  await api.storage.local.set({ welcomed: true });
  await api.tabs.create({ url: own("welcome.html") });
}

/** The language that a report says it is written in. */
export async function spoken(): Promise<string> {
  return (await settings()).language || api.i18n.getUILanguage();
}

/**
 * The addresses that a report can say, the longest first: each still names the account that the whole one names, or the
 * site where it leads. A network is no such site: of its pages that name nobody, such as a video, what stands behind
 * the "?" may be the name.
 */
export async function extents(href: string): Promise<[Extent, string][]> {
  await store.restore();
  const all = different(href);
  const [whole = ""] = await core.subjects(href);
  const meant = isAccount(whole) || guard.onNetwork(`https://${whole}`) ? whole : whole.slice(0, whole.indexOf("/") + 1);
  const named = await Promise.all(all.map(([, address]) => core.subjects(address)));
  return all.filter((_, i) => i === 0 || named[i]?.includes(meant));
}

/** A report about a page, with what the person lets go along. */
export async function draft(href: string, title: string): Promise<Draft> {
  const [{ sends }, all] = await Promise.all([settings(), extents(href)]);
  const [extent, address] = within(all, sends.address);
  return {
    kind: "scam",
    href: address,
    extent,
    subject: "",
    title: sends.title ? title : "",
    language: sends.language ? await spoken() : "",
  };
}

/** The list in use, and what may be wrong with it. */
export async function protection(): Promise<Protection> {
  const state = await guard.health();
  const { checked, error, heard } = await store.status();
  if (state === "off") return { issued: 0, count: 0, sequence: 0, checked, error: error || "core", state };
  const { opened } = await store.restore();
  const says = core.now();
  const clock = state === "clock" ? { clock: { says, is: says - ahead(says, opened.issued, heard) } } : {};
  return { issued: opened.issued, count: opened.count, sequence: opened.sequence, checked, error, state, ...clock };
}

export const fromAnywhere: Handlers<FromAnywhere> = {
  words: chosenWords,
  async help({ about }) {
    await store.restore();
    return advice.help(about);
  },
};

export const fromOptions: Handlers<FromOptions> = {
  async "options.reports"() {
    await receipts.follow(true);
    return reports();
  },
  async "options.export"() {
    const home = await store.home();
    return {
      settings: await settings(),
      server: store.isStandard(home) ? null : home,
      reports: await reports(),
      pictures: await pictures.toSave(),
      // Of what was met nobody can say more than how much it is: docs/late.md.
      late: { kept: await met.kept(), news: await met.news() },
      advice: await advice.kept(),
    };
  },
  async "options.erase"() {
    await Promise.all([store.erase(), met.clear(), hot.forgetAll()]);
    await pictures.drop();
    await api.storage.local.clear();
    await session.erase();
    // It has begun all the same: the pages that are open now are not met anew.
    await session.begins();
    await receipts.keepAlarm();
    await listMoved();
    await guard.showHealth();
    // The list of the build may be old: what has come since then follows.
    void update("by a person").then((changed) => (changed ? listMoved() : undefined)).then(guard.showHealth);
    return null;
  },
  "options.diagnostics": diagnostics,
  async "options.server"() {
    const home = await store.home();
    return { server: home.server, standard: store.isStandard(home) };
  },
  "options.move": move,
};

/** All that is kept about reports, the newest first. */
async function reports(): Promise<Entry[]> {
  return (await (await store.database()).getAll("reports")).sort((a, b) => b.time - a.time);
}

async function move(home: Home | null): Promise<string> {
  const to = home ? { server: originOf(home.server), root: home.root.trim() } : store.standard;
  if (!to.server) return "address";
  if (!/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/.test(to.root)) return "key";
  try {
    await moveTo(to);
  } catch (err) {
    return err instanceof ServerError || err instanceof CoreError || err instanceof UpdateError ? err.code : "storage";
  }
  await guard.showHealth();
  await listMoved();
  return "";
}

/** The origin of a server that may be talked to, or "": without encryption reports go no further than this machine. */
export function originOf(text: string): string {
  const address = text.trim();
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || url.username || url.password || url.pathname !== "/" || url.search || url.hash) return "";
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && loopback) ? url.origin : "";
}

/** What the extension may ever reach, by its manifest. */
function asked(): Set<string> {
  const { host_permissions = [], optional_host_permissions = [], content_scripts = [] } = api.runtime.getManifest() as chrome.runtime.ManifestV3;
  return new Set([...host_permissions, ...optional_host_permissions, ...content_scripts.flatMap(({ matches = [] }) => matches)]);
}

async function diagnostics(): Promise<Diagnostics> {
  const { permissions = [], origins = [] } = await api.permissions.getAll();
  // A single site that a person has let us into is one that they visit.
  const ours = asked();
  const counted: Record<string, number> = {};
  for (const { state, outcome } of await reports()) {
    const name = state === "sent" && outcome ? outcome : state;
    counted[name] = (counted[name] ?? 0) + 1;
  }
  return {
    version: api.runtime.getManifest().version,
    browser: navigator.userAgent,
    language: language(),
    list: await protection(),
    permissions: permissions.sort(),
    origins: origins.filter((origin) => ours.has(origin)).sort(),
    otherOrigins: origins.filter((origin) => !ours.has(origin)).length,
    ownServer: !store.isStandard(await store.home()),
    reports: counted,
  };
}
