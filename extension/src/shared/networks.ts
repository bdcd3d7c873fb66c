// The social networks on which authors and links are marked (platforms_gen.ts has them): the scripts of the extension
// run there, and a person can switch the marks off on each. The first domain of one stands for it in the settings.

import { networks } from "./platforms_gen";

export { networks, type Platform } from "./platforms_gen";

/** The network that a host belongs to; undefined for all others. */
export const networkOf = (host: string): (typeof networks)[number] | undefined =>
  networks.find(({ domains }) => domains.some((domain) => host === domain || host.endsWith("." + domain)));
