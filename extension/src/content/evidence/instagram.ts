// Instagram: the address of a post or a reel says nothing about whose it is; the head does. Nothing
// can be listed under the number of an account, since no address shows it.

import { networkOf } from "../../shared/networks";
import { head, type Reader } from "./document";

const post = /\/(?:p|reel|reels|tv)\/([\w-]+)/;

export const instagram: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "instagram") return [];
  const names = head(page);
  const code = post.exec(address.pathname)?.[1];
  // The head of the page that was loaded, which may have been another than the one that is shown.
  if (code) return names.some((name) => post.exec(name)?.[1] === code) ? [[address.href, ...names]] : [];
  return [names];
};
