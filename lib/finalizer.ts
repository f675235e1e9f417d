const registry = new FinalizationRegistry<() => void>((release) => {
  release();
});

/**
 * Ties system resources to an object: they go when it is closed, or when it is collected. Returns the idempotent
 * `close`. `release` must not refer to `owner`, which would then live for ever.
 */
export function ownResources(owner: object, release: () => void): () => void {
  const token = {};
  let open = true;
  const once = () => {
    if (!open) return;
    open = false;
    registry.unregister(token);
    release();
  };
  registry.register(owner, once, token);
  return once;
}
