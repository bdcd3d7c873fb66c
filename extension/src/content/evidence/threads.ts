// Threads: the short address of a post says nothing about whose it is; the head does.

import { networkOf } from "../../shared/networks";
import { head, type Reader } from "./document";

const post = /\/(?:t|post)\/([\w-]+)/;

export const threads: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "threads") return [];
  const names = head(page);
  const code = post.exec(address.pathname)?.[1];
  if (code) return names.some((name) => post.exec(name)?.[1] === code) ? [[address.href, ...names]] : [];
  return [names];
};
