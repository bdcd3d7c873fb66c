// Telegram: the pages of t.me name the account to the app.

import { networkOf } from "../networks";
import { head, type Reader } from "./document";

export const telegram: Reader = (page, address) => (networkOf(address.hostname)?.platform === "telegram" ? [head(page)] : []);
