// What a person met that has been confirmed as a scam since: when, where, why, and what to do now.

import { api } from "../shared/ext";
import { help } from "../shared/help";
import { ask, newsCame, type News } from "../shared/message";
import { networks } from "../shared/networks";
import { listedBy } from "../shared/notice";
import { element, h } from "../shared/page";
import { category, day, localize, t } from "../shared/text";

async function start(): Promise<void> {
  // The words and the worker come at the same time.
  const news = ask("late.news", null);
  await localize(document);
  await show(news);
  element("title").focus();
}

/** Only what has been on the screen counts as told. */
async function saw(): Promise<void> {
  if ((await api.tabs.getCurrent())?.active) await ask("late.saw", null);
}
api.tabs.onActivated.addListener(() => void saw());

// What comes up while this page is open is told here, and in no second tab.
api.runtime.onMessage.addListener((message: unknown, _sender, reply) => {
  if (message !== newsCame) return;
  void show();
  reply(true);
});

async function show(told = ask("late.news", null)): Promise<void> {
  const news = await told;
  const some = news.length > 0;
  document.title = `${t("name")}: ${t(some ? "lateTitle" : "optionsLate")}`;
  element("title").textContent = t(some ? "lateTitle" : "optionsLate");
  element("intro").hidden = element("do").hidden = !some;
  element("news").replaceChildren(...(some ? news.map(card) : [h("li", {}, t("lateNothing"))]));
  showHelp(news[0]?.category ?? "");
  await saw();
}

/** The kind of scam that the steps on the screen are for. */
let helped = "";

/**
 * Opens the steps for somebody who did more than look; what was chosen in them stays as long as it is about the same
 * kind.
 */
function showHelp(category: string): void {
  if (category === helped) return;
  helped = category;
  const { steps, open } = help(category);
  element("aid").replaceChildren(steps);
  open();
}

function card(one: News): HTMLElement {
  const { name, how } = category(one.category);
  const facts = [
    one.reason,
    one.since > 0 ? t("since", day(one.since)) : "",
    one.source && `${t("listedBy")}: ${listedBy(one.source)}`,
    one.reference && `${t("reference")}: ${one.reference}`,
  ].filter(Boolean);
  const read = h("button", { type: "button" }, t("lateDismiss"));
  read.addEventListener("click", async () => {
    await ask("late.dismiss", { id: one.id });
    await show();
    element("title").focus();
  });
  return h(
    "li",
    {},
    h("h2", {}, met(one)),
    h("p", { className: "kind" }, name),
    h("p", {}, how),
    ...facts.map((fact) => h("p", { className: "soft" }, fact)),
    h("div", { className: "row" }, read),
  );
}

/** What was met and when, as far as anybody knows it any more. */
function met({ place, day }: News): string {
  const when = weekday(day);
  switch (place) {
    case "web":
      return t("lateWeb", when);
    case "phone":
      return t("latePhone", when);
    case "bank":
      return t("lateBank", when);
    case "wallet":
      return t("lateWallet", when);
    case "email":
      return t("lateEmail", when);
  }
  const network = networks.find(({ platform }) => platform === place)?.name ?? place.charAt(0).toUpperCase() + place.slice(1);
  return t("lateNetwork", network, when);
}

/** A day such as Tuesday, 17 November. */
function weekday(days: number): string {
  return new Date(days * 86_400_000).toLocaleDateString(t("language"), { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
}

void start();
