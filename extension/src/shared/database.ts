// How a database of the browser's is opened: once for each life of a script, and anew where the browser has closed it,
// or could not open it.

import { openDB, type DBSchema, type IDBPDatabase, type StoreNames } from "idb";

/** What opens a database of these stores, each with what makes its keys. */
export function opener<Schema extends DBSchema>(name: string, stores: Record<string, IDBObjectStoreParameters>): () => Promise<IDBPDatabase<Schema>> {
  let opening: Promise<IDBPDatabase<Schema>> | undefined;
  const open = () =>
    openDB<Schema>(name, 1, {
      upgrade(db) {
        for (const [store, keys] of Object.entries(stores)) db.createObjectStore(store as StoreNames<Schema>, keys);
      },
      terminated() {
        opening = undefined;
      },
    });
  return () =>
    (opening ??= open().catch((err: unknown) => {
      opening = undefined;
      throw err;
    }));
}

/** Commits are on the disk, not only with the operating system, when they are done. */
export const durable = { durability: "strict" } as const;
