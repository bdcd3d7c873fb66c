// TikTok: an account has a name, which it can change, and a long code and a number that stay and open it too.

import type { Names } from "../../shared/named";
import { networkOf } from "../../shared/networks";
import { at, data, digits, head, word, type Reader } from "./document";

const places = [
  ["webapp.user-detail", "userInfo", "user"],
  ["webapp.video-detail", "itemInfo", "itemStruct", "author"],
];

export const tiktok: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "tiktok") return [];
  const found: Names[] = [head(page)];
  for (const value of data(page, "script#__UNIVERSAL_DATA_FOR_REHYDRATION__", ['"uniqueId"'])) {
    for (const place of places) {
      const user = at(value, "__DEFAULT_SCOPE__", ...place);
      const [name, code] = [word(at(user, "uniqueId")), word(at(user, "secUid"))];
      const number = digits(at(user, "id"));
      if (name && code) found.push([`https://www.tiktok.com/@${name}`, `https://www.tiktok.com/@${code}`, number && `https://www.tiktok.com/share/user/${number}`]);
    }
  }
  return found;
};
