// YouTube: a channel has an id, a handle and older names; and a video's address says nothing about its channel.
// An older name stands nowhere but in what the page was asked for (ytCommand), beside the id that it stands for.

import type { Names } from "../../shared/named";
import { networkOf } from "../../shared/networks";
import { at, data, link, word, type Reader } from "./document";

const hosts = ["www.youtube.com", "m.youtube.com", "youtube.com"];

const channel = (id: unknown) => (word(id) ? `https://www.youtube.com/channel/${word(id)}` : "");
const own = (value: unknown) => link(value, ...hosts);

/** The command that opened the page: for ours, the first statements of the script are always these. */
const command = /^\s*(?:\(function serverContract\(\) \{\s*)?window\['ytPageType'\] = "channel";\s*window\['ytCommand'\] = (\{.*?\});\s*window\['ytUrl'\]/s;

/** The address that was asked for and the id of the channel that it opened. */
function opened(page: Document): { url: string; id: string } {
  for (const value of data(page, "script:not([src])", ["'ytCommand'"], command)) {
    const path = at(value, "commandMetadata", "webCommandMetadata", "url");
    if (typeof path === "string" && path.startsWith("/")) return { url: own(`https://www.youtube.com${path}`), id: word(at(value, "browseEndpoint", "browseId")) };
  }
  return { url: "", id: "" };
}

export const youtube: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "youtube") return [];
  const { url, id } = opened(page);
  const found: Names[] = id ? [[url, channel(id)]] : [];
  for (const value of data(page, "script:not([src])", ['"channelMetadataRenderer"'], "var ytInitialData = ")) {
    const about = at(value, "metadata", "channelMetadataRenderer");
    const owners = at(about, "ownerUrls");
    found.push([id && id === at(about, "externalId") ? url : "", channel(at(about, "externalId")), own(at(about, "vanityChannelUrl")), ...(Array.isArray(owners) ? owners.slice(0, 4).map(own) : [])]);
  }
  const [, video] = /^\/(?:shorts|live|embed)\/([\w-]+)/.exec(address.pathname) ?? [];
  const shown = address.pathname === "/watch" ? address.searchParams.get("v") : video;
  for (const value of shown ? data(page, "script:not([src])", ['"videoDetails"'], "var ytInitialPlayerResponse = ") : []) {
    if (at(value, "videoDetails", "videoId") !== shown) continue;
    found.push([address.href, channel(at(value, "videoDetails", "channelId")), own(at(value, "microformat", "playerMicroformatRenderer", "ownerProfileUrl"))]);
  }
  return found;
};
