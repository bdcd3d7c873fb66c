// What a tab shows, decided without a browser: as a table of what a person meets, and over everything that can be known
// of a tab at once.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { top } from "./fixture/khien.mjs";

const build = ["run", "github.com/evanw/esbuild/cmd/esbuild", "extension/src/worker/tab.ts", "--bundle", "--format=esm"];
const { stdout } = await promisify(execFile)("go", build, { cwd: top });
const { shows } = await import(`data:text/javascript,${encodeURIComponent(stdout)}`);

const of = (verdict, subject, through) => ({ warning: { finding: { verdict, subject } }, through });

const site = of("listed", "parcel-fee.example/");
const account = of("listed", "facebook:user/invented.gift.centre");
const profile = of("listed", "facebook:id/900000000000001");
const honest = of("unlisted", "");
const passed = (one) => ({ ...one, through: "passed" });
const byChance = (one) => ({ ...one, through: "cleared" });
const frame = { ...of("listed", "stolen-shop.example/"), hushed: false };
const hushed = { ...frame, hushed: true };

/**
 * What is shown of what is known, in short: the state of the popup, the badge, and what stands instead of the page,
 * over it, or on top of it.
 */
function shown(known) {
  const { state, badge, warning, cover, banner } = shows(known);
  return [state, badge, warning && `warning of ${warning.finding.subject}`, cover && `cover of ${cover.finding.subject}`, banner && `banner of ${banner.finding.subject}`].filter(Boolean).join(", ");
}

test("what a person meets", () => {
  const f = (place, known, want) => assert.equal(shown({ place, ...known }), want);
  f("web", { page: honest }, "unlisted, nothing");
  f("web", { page: site }, "listed, listed, warning of parcel-fee.example/");
  f("web", { page: passed(site) }, "passed, listed");
  f("web", { page: of("unknown", "") }, "unknown, unknown");
  f("web", { page: honest, resembles: true }, "caution, caution");
  f("web", { page: honest, list: "outdated" }, "unlisted, outdated");
  f("elsewhere", { page: honest }, "other, nothing");
  f("warning", { page: site }, "listed, listed");

  // A chance hit is as if nothing had been found, whatever else there is to say.
  f("web", { page: byChance(site) }, "unlisted, nothing");
  f("web", { page: byChance(site), resembles: true }, "caution, caution");
  f("web", { page: byChance(site), frames: [frame] }, "framed, framed");

  // An account is covered in its network, and so is one whose page says another name. A site, such as one of others
  // under a network's name, is replaced.
  f("network", { page: account }, "listed, listed, cover of facebook:user/invented.gift.centre");
  f("network", { page: passed(account) }, "passed, listed");
  f("network", { page: honest, also: profile }, "listed, listed, cover of facebook:id/900000000000001");
  f("network", { page: honest, also: passed(profile) }, "passed, listed");
  f("network", { page: honest, also: byChance(profile) }, "unlisted, nothing");
  f("network", { page: byChance(account), also: profile }, "listed, listed, cover of facebook:id/900000000000001");
  f("network", { page: passed(account), also: profile }, "listed, listed, cover of facebook:id/900000000000001");
  f("network", { page: site }, "listed, listed, warning of parcel-fee.example/");
  f("web", { page: account }, "listed, listed, warning of facebook:user/invented.gift.centre");

  // A frame is told of everywhere, and by a banner where our script may be.
  f("web", { page: honest, frames: [frame] }, "framed, framed");
  f("web", { page: honest, frames: [frame], granted: true }, "framed, framed, banner of stolen-shop.example/");
  f("network", { page: honest, frames: [frame] }, "framed, framed, banner of stolen-shop.example/");
  f("elsewhere", { page: honest, frames: [frame] }, "framed, framed");
  f("web", { page: passed(site), frames: [frame], granted: true }, "passed, listed, banner of stolen-shop.example/");
  f("web", { page: honest, frames: [hushed, byChance(frame), passed(frame)], granted: true }, "unlisted, nothing");
  f("web", { page: honest, frames: [hushed, { ...frame, ...site }], granted: true }, "framed, framed, banner of parcel-fee.example/");
  f("web", { page: of("unknown", ""), frames: [frame], list: "expired" }, "framed, framed");
});

/** Everything that can be known of a tab at once. */
function* everything() {
  const asked = ["listed", "unlisted", "unknown", "caution"].flatMap((verdict) =>
    (verdict === "unlisted" ? [""] : [site, account].map(({ warning }) => warning.finding.subject)).flatMap((subject) =>
      (verdict === "listed" ? [undefined, "passed", "cleared"] : [undefined]).map((through) => of(verdict, subject, through)),
    ),
  );
  const also = [undefined, profile, passed(profile), byChance(profile)];
  const one = [frame, hushed, passed(frame), byChance(frame), { ...hushed, through: "passed" }];
  const frames = [[], ...one.map((first) => [first]), ...one.map((first) => [first, frame])];
  const bools = [false, true];
  for (const place of ["web", "network", "warning", "elsewhere"])
    for (const page of place === "warning" ? asked.filter(({ warning }) => warning.finding.verdict === "listed") : asked)
      for (const other of also)
        for (const inside of frames)
          for (const resembles of bools)
            for (const granted of bools)
              for (const list of ["fresh", "outdated", "expired", "clock", "off"]) yield { place, page, also: other, frames: inside, resembles, granted, list };
}

test("whatever is known: popup and badge agree, what is let through is neither covered nor warned of, and what is listed is never passed over", () => {
  const agree = {
    listed: ["listed"], passed: ["listed"], framed: ["framed"], caution: ["caution"], unknown: ["unknown"], unlisted: ["nothing", "outdated"], other: ["nothing", "outdated"],
  };
  let count = 0;
  for (const known of everything()) {
    count++;
    const { place, page, also, frames, granted, list } = known;
    const { state, told, badge, warning, cover, framed, banner } = shows(known);
    const check = (ok, what) => ok || assert.fail(`${what}: ${JSON.stringify(known)}`);
    check(agree[state].includes(badge), `the popup says ${state} and the badge ${badge}`);
    check((badge === "outdated") === (list !== "fresh" && agree[state].includes("outdated")), "how old the list is");
    check((told !== undefined) === ["listed", "passed", "framed"].includes(state), "a state that tells of something names it");

    const open = [page, also].filter((one) => one?.warning.finding.verdict === "listed" && !one.through).map((one) => one.warning);
    const inForce = warning ?? cover;
    check(!(warning && cover), "a warning and a cover");
    if (place === "warning") check(!inForce && state === "listed", "a warning stands already");
    else check((inForce !== undefined) === open.length > 0, "warned of exactly what is listed and not let through");
    if (inForce) check(open.includes(inForce) && state === "listed" && told === inForce, "the popup tells of what is warned of");
    if (cover) check(place === "network" && cover.finding.subject.includes(":"), "a cover where no account is");
    if (place !== "warning" && page.warning.finding.verdict === "listed" && page.through !== "cleared") {
      check(badge === "listed" && ["listed", "passed"].includes(state), "a listed page shows nothing");
    }

    const loud = frames.filter((one) => !one.through && !one.hushed).map((one) => one.warning);
    check(framed.length === loud.length && framed.every((one, i) => one === loud[i]), "frames that are let through or hushed are told of");
    check(banner === (granted || place === "network" ? loud[0] : undefined), "a banner");
    if (loud.length > 0) check(["listed", "passed", "framed"].includes(state), "a listed frame shows nothing");
  }
  assert.ok(count > 10_000, `only ${count}`);
});
