/** Which applications asked for which verb; each verb is dealt round robin. `T` is the client. */
export class RouteTable<T> {
  readonly #verbs = new Map<string, { clients: T[]; next: number }>();

  /** Registering a verb twice is harmless: drachtio-srf sends every verb again at each new route. */
  add(verb: string, client: T): void {
    const entry = this.#verbs.get(verb);
    if (!entry) {
      this.#verbs.set(verb, { clients: [client], next: 0 });
    } else if (!entry.clients.includes(client)) {
      entry.clients.push(client);
    }
  }

  remove(verb: string, client: T): void {
    const entry = this.#verbs.get(verb);
    const index = entry?.clients.indexOf(client) ?? -1;
    if (!entry || index < 0) return;
    entry.clients.splice(index, 1);
    if (entry.next > index) entry.next--;
    if (entry.clients.length === 0) this.#verbs.delete(verb);
  }

  removeClient(client: T): void {
    for (const verb of [...this.#verbs.keys()]) this.remove(verb, client);
  }

  /** The client whose turn it is, of those that `suits` accepts; undefined if there is none. */
  pick(verb: string, suits?: (client: T) => boolean): T | undefined {
    const entry = this.#verbs.get(verb);
    if (!entry) return undefined;
    const { clients } = entry;
    for (let tried = 0; tried < clients.length; tried++) {
      const client = clients[(entry.next + tried) % clients.length]!;
      if (suits && !suits(client)) continue;
      entry.next = (entry.next + tried + 1) % clients.length;
      return client;
    }
    return undefined;
  }
}
