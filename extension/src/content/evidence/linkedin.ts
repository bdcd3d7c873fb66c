// LinkedIn: a profile has a name and a code, a company a name and a number, and both open it. The data
// of the page lies in code elements of its own right below the body, where no post can put any.

import type { Names } from "../../shared/named";
import { networkOf } from "../../shared/networks";
import { data, head, objects, word, type Reader } from "./document";

const urn = /^urn:li:(?:fsd?_|)(profile|company|school|miniProfile|miniCompany):([\w-]+)$/;

export const linkedin: Reader = (page, address) => {
  if (networkOf(address.hostname)?.platform !== "linkedin") return [];
  const found: Names[] = [head(page)];
  for (const value of data(page, 'body > code[id^="bpr-guid-"]', ['"publicIdentifier"', '"universalName"'])) {
    for (const object of objects(value)) {
      const [, kind = "", id] = urn.exec(String(object["entityUrn"])) ?? [];
      const name = word(object["publicIdentifier"] ?? object["universalName"]);
      if (!id || !name) continue;
      const folder = /profile/i.test(kind) ? "in" : /company/i.test(kind) ? "company" : "school";
      found.push([`https://www.linkedin.com/${folder}/${name}/`, `https://www.linkedin.com/${folder}/${id}/`]);
    }
  }
  return found;
};
