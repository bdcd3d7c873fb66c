// Facebook: an account goes by its user name and by its number, and the address tells one of them.
// On a full load the document names both, in the head and in the data of the page.

import type { Names } from "../../shared/named";
import { networkOf } from "../../shared/networks";
import { at, data, digits, head, link, objects, word, type Reader } from "./document";

const profile = (id: string) => `https://www.facebook.com/profile.php?id=${id}`;

export const facebook: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "facebook") return [];
  const found: Names[] = [head(page)];
  for (const value of data(page, 'script[type="application/json"]', ['"userVanity"', '"delegate_page"', '"__typename":"Group"'])) {
    for (const object of objects(value)) {
      const [vanity, number] = [word(object["userVanity"]), digits(object["userID"])];
      if (vanity && number) found.push([`https://www.facebook.com/${vanity}`, profile(number)]);
      const id = digits(object["id"]);
      const url = link(object["url"] ?? object["profile_url"], "www.facebook.com", "m.facebook.com");
      if (!id || !url) continue;
      const kind = object["__typename"];
      // A page of today is an account with a number of its own, and stands for one of before.
      const former = digits(at(object, "delegate_page", "id"));
      if (kind === "User" || kind === "Page") found.push([url, profile(id), former && profile(former)]);
      if (kind === "Group") found.push([url, `https://www.facebook.com/groups/${id}`]);
    }
  }
  return found;
};
