import type { Held } from "./held.ts";

/** Events in line, tenant by tenant: each has its turn, whoever has most. Within a tenant the first comes first. */
export class FairQueue {
  readonly #byTenant = new Map<string, Set<Held>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  of(tenant: string): number {
    return this.#byTenant.get(tenant)?.size ?? 0;
  }

  add(held: Held): void {
    const { tenant } = held.event;
    const own = this.#byTenant.get(tenant);
    if (own?.has(held)) return;
    if (own) own.add(held);
    else this.#byTenant.set(tenant, new Set([held]));
    this.#size++;
  }

  delete(held: Held): void {
    const { tenant } = held.event;
    const own = this.#byTenant.get(tenant);
    if (!own?.delete(held)) return;
    this.#size--;
    if (own.size === 0) this.#byTenant.delete(tenant);
  }

  /** The next of the first tenant in line that may; the tenant goes to the end of the line. */
  take(may: (tenant: string) => boolean): Held | null {
    for (const [tenant, own] of this.#byTenant) {
      if (!may(tenant)) continue;
      const [next] = own;
      if (!next) continue;
      own.delete(next);
      this.#size--;
      this.#byTenant.delete(tenant);
      if (own.size > 0) this.#byTenant.set(tenant, own);
      return next;
    }
    return null;
  }

  /** All of a tenant, or of everybody, taken out. */
  drain(tenant?: string): Held[] {
    const taken = tenant === undefined ? [...this] : [...(this.#byTenant.get(tenant) ?? [])];
    for (const held of taken) this.delete(held);
    return taken;
  }

  *[Symbol.iterator](): Iterator<Held> {
    for (const own of this.#byTenant.values()) yield* own;
  }
}
