// X: an account has a handle, which it can change, and a number that stays. A profile describes
// itself for search engines (schema.org, ProfilePage); /i/ addresses of posts name nobody, the head does.

import type { Names } from "../../shared/named";
import { networkOf } from "../../shared/networks";
import { at, data, digits, head, word, type Reader } from "./document";

const post = /\/status\/(\d+)/;

export const x: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "x") return [];
  const found: Names[] = [];
  for (const value of data(page, 'script[type="application/ld+json"]', ['"ProfilePage"'])) {
    if (at(value, "@type") !== "ProfilePage") continue;
    const [name, id] = [word(at(value, "mainEntity", "additionalName")), digits(at(value, "mainEntity", "identifier"))];
    if (name && id) found.push([`https://x.com/${name}`, `https://x.com/i/user/${id}`]);
  }
  const names = head(page);
  const code = post.exec(address.pathname)?.[1];
  if (!code) found.push(names);
  else if (names.some((name) => post.exec(name)?.[1] === code)) found.push([address.href, ...names]);
  return found;
};
