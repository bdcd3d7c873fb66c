// YouTube: a channel has an id, a handle and older names; and a video's address says nothing about its channel.

import { networkOf } from "../networks";
import { at, data, link, word, type Names, type Reader } from "./document";

const hosts = ["www.youtube.com", "m.youtube.com", "youtube.com"];

const channel = (id: unknown) => (word(id) ? `https://www.youtube.com/channel/${word(id)}` : "");
const own = (value: unknown) => link(value, ...hosts);

export const youtube: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "youtube") return [];
  const found: Names[] = [];
  for (const value of data(page, "script:not([src])", ['"channelMetadataRenderer"'], "var ytInitialData = ")) {
    const about = at(value, "metadata", "channelMetadataRenderer");
    const owners = at(about, "ownerUrls");
    found.push([channel(at(about, "externalId")), own(at(about, "vanityChannelUrl")), ...(Array.isArray(owners) ? owners.slice(0, 4).map(own) : [])]);
  }
  const [, video] = /^\/(?:shorts|live|embed)\/([\w-]+)/.exec(address.pathname) ?? [];
  const shown = address.pathname === "/watch" ? address.searchParams.get("v") : video;
  for (const value of shown ? data(page, "script:not([src])", ['"videoDetails"'], "var ytInitialPlayerResponse = ") : []) {
    if (at(value, "videoDetails", "videoId") !== shown) continue;
    found.push([address.href, channel(at(value, "videoDetails", "channelId")), own(at(value, "microformat", "playerMicroformatRenderer", "ownerProfileUrl"))]);
  }
  return found;
};
