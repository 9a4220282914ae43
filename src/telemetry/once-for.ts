import type { Registry } from 'prom-client'

/** Makes instruments once for each registry: whoever comes later counts with the same. */
export function onceFor<T>(make: (registry: Registry) => T): (registry: Registry) => T {
  const made = new WeakMap<Registry, { readonly it: T }>()
  return (registry) => {
    const known = made.get(registry) ?? { it: make(registry) }
    made.set(registry, known)
    return known.it
  }
}
