// Zalo: the pages of zalo.me name the account to the app, a person by the telephone number.

import { networkOf } from "../../shared/networks";
import { head, type Reader } from "./document";

export const zalo: Reader = (page, address) => (networkOf(address.hostname)?.platform === "zalo" ? [head(page)] : []);
